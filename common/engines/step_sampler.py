"""Batches of a training that counts steps, as a pure function of (seed, step)."""

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

from ..data.draws import Draw


class StepBatchSampler(Sampler[Sequence[int | Draw]]):
    """Index batches, shuffled unless told otherwise, for the steps ``start`` … ``max_steps - 1``.

    The items are shuffled anew for each pass and the passes follow each other without a gap, so every item is seen
    equally often and a set smaller than a batch works. A batch depends on seed and step alone: a resumed run sets
    `start` and sees what an uninterrupted one would have seen, and ranks take their part of the same global batch, so
    that N ranks of batch B see what one process of batch N·B sees.

    Args:
        num_items: Number of items in the data set.
        batch_size: Per rank.
        max_steps: Step after the last.
        seed: Of the shuffling.
        shuffle: False shows the items in their own order in each pass (thesis 4.5).
        rank, world_size: Of this process.
    """

    def __init__(
        self,
        *,
        num_items: int,
        batch_size: int,
        max_steps: int,
        seed: int,
        shuffle: bool = True,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if num_items < 1:
            raise ValueError("the data set is empty: no case was selected for training")
        self.num_items = num_items
        self.batch_size = batch_size
        self.max_steps = max_steps
        self.seed = seed
        self.shuffle = shuffle
        self.rank = rank
        self.world_size = world_size
        self.start = 0
        self._pass: tuple[int, np.ndarray] | None = None

    def batch(self, step: int) -> Sequence[int | Draw]:
        """Indices of this rank's batch at ``step``."""
        first = (step * self.world_size + self.rank) * self.batch_size
        return [self.item(position) for position in range(first, first + self.batch_size)]

    def item(self, position: int) -> int:
        """Index of the item at a position in the passes."""
        number, offset = divmod(position, self.num_items)
        if not self.shuffle:
            return offset
        if self._pass is None or self._pass[0] != number:
            self._pass = (number, np.random.default_rng([self.seed, number]).permutation(self.num_items))
        return int(self._pass[1][offset])

    def __iter__(self) -> Iterator[Sequence[int | Draw]]:
        return (self.batch(step) for step in range(self.start, self.max_steps))

    def __len__(self) -> int:
        return max(0, self.max_steps - self.start)
