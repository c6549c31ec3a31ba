"""Batches of (case, draw) in which a set share is generated, whatever the numbers of real and generated cases."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..data.draws import Draw
from .draw_sampler import DrawBatchSampler
from .step_sampler import StepBatchSampler

_PLACES = 1  # tells the order within a batch from that of a pass, which draws from (seed, pass)


class MixBatchSampler(DrawBatchSampler):
    """`DrawBatchSampler` with a quota of generated cases a step, which may fall or rise linearly over the training.

    The share of step s of n is ``share + (share_end - share) · s / (n - 1)``. The quota is the whole part of what the
    shares of the global batches so far add up to, less what was drawn before: a batch of 2 at 25 % holds a generated
    case every second step, and no more than one case too few at any time. At a share of 0 nothing is owed, so that the
    last step of a training that ends at 0 is real alone. Real and generated cases are passed through separately, each
    shuffled anew for each pass. All of it depends on seed and step alone, as in `StepBatchSampler`.

    Args:
        sources: ``real`` or ``generated`` of each item of the data set.
        share: Share of the draws that are generated, 0 to 1; None draws all items equally often.
        share_end: Share of the last step; None is ``share``.
        batch_size, max_steps, seed, rank, world_size: As for `StepBatchSampler`.

    Raises:
        ValueError: A share without items of both sources.
    """

    def __init__(
        self,
        *,
        sources: Sequence[str],
        share: float | None = None,
        share_end: float | None = None,
        batch_size: int,
        max_steps: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__(
            num_items=len(sources),
            batch_size=batch_size,
            max_steps=max_steps,
            seed=seed,
            rank=rank,
            world_size=world_size,
        )
        self.share = None if share is None else Fraction(str(share))  # exact, so that no machine rounds otherwise
        self.share_end = self.share if share_end is None else Fraction(str(share_end))
        self._items = [[i for i, source in enumerate(sources) if source == name] for name in ("real", "generated")]
        real, generated = map(len, self._items)
        if share is not None and not (real and generated):
            raise ValueError(
                f"generated_share is {share}, but {real} real and {generated} generated cases train, expected some of "
                "each"
            )
        self._orders = [
            StepBatchSampler(num_items=max(1, len(items)), batch_size=1, max_steps=0, seed=seed)
            for items in self._items
        ]

    def generated_before(self, step: int) -> int:
        """How many generated cases the global batches of the steps below `step` hold."""
        if self.share is None or self.share_end is None:
            raise ValueError("no share is set, so no quota holds")
        rise = (self.share_end - self.share) / max(1, self.max_steps - 1)
        shares = step * self.share + rise * (step * (step - 1) // 2)
        return int(self.batch_size * self.world_size * shares)

    def batch(self, step: int) -> list[Draw]:
        """Case and number of each draw of this rank's batch at ``step``."""
        if self.share is None:
            return super().batch(step)
        size, before = self.batch_size * self.world_size, self.generated_before(step)
        quota = self.generated_before(step + 1) - before
        places = np.random.default_rng([self.seed, step, _PLACES]).permutation(size)
        cases, drawn = [0] * size, [step * size - before, before]  # so far, of real and of generated ones
        for number, place in enumerate(places):  # the first `quota` places are generated
            source = int(number < quota)
            cases[place] = self._items[source][self._orders[source].item(drawn[source])]
            drawn[source] += 1
        mine = range(self.rank * self.batch_size, (self.rank + 1) * self.batch_size)
        return [(cases[place], step * size + place) for place in mine]
