"""Adaptive discriminator augmentation: as much augmentation as D overfits (Karras et al., 2020, arXiv 2006.06676)."""

from typing import Any

from ignite.engine import Engine, Events

from ..transforms.diff_augment import DiffAugment


class AdaptiveAugment:
    """Moves the probability of an augmentation so that the mean sign of D on real samples stays at `target`.

    Every `interval` steps the probability p goes up where the mean of `d_sign` since the last time is above `target`
    (D tells its training cases too surely), else down, by as much as takes p from 0 to 1 in `images` real samples
    (sec. 3.1). p starts at 0, stays in [0, 1], and is added to ``state.output`` as `augment_p`. It is part of a
    checkpoint. Attach it before the handlers that write losses and checkpoints.

    Args:
        augment: Its `probability` is set.
        target: Of the mean sign, in (-1, 1); the paper's is 0.6.
        images: Real samples from p = 0 to 1; the paper's is 500,000, for trainings of 25 million.
        batch_size: Of all processes together.
        interval: Steps; the paper's is 4.

    Raises:
        ValueError: An option out of its range, or an objective whose critic has no sign.
    """

    def __init__(
        self, augment: DiffAugment, *, batch_size: int, target: float = 0.6, images: int = 500_000, interval: int = 4
    ) -> None:
        if not (-1 < target < 1 and images > 0 and interval > 0):
            raise ValueError(
                f"adaptive augmentation: target {target}, images {images}, interval {interval}; expected "
                "a target in (-1, 1), images and interval above 0"
            )
        self.augment = augment
        self.target, self.interval = target, interval
        self.change = batch_size * interval / images
        self.signs: list[float] = []
        augment.probability = 0.0

    def attach(self, engine: Engine) -> None:
        """Adapt after each step."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.adapt)

    def adapt(self, engine: Engine) -> None:
        """Take up the sign of this step; every `interval` of them, move p."""
        output: Any = engine.state.output  # Ignite 0.5.5 annotates it as a number
        if "d_sign" not in output:
            raise ValueError(
                "adaptive augmentation: the step reports no `d_sign`; expected the step to have the augmentation, and "
                "an objective whose logits have a sign: use bce or hinge, or a fixed probability (ada_target null)"
            )
        self.signs.append(output["d_sign"])
        if len(self.signs) == self.interval:
            up = sum(self.signs) / self.interval > self.target
            self.augment.probability = min(
                1.0, max(0.0, self.augment.probability + (self.change if up else -self.change))
            )
            self.signs.clear()
        output["augment_p"] = self.augment.probability

    def state_dict(self) -> dict[str, Any]:
        """p and the signs since it last moved."""
        return {"probability": self.augment.probability, "signs": list(self.signs)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them up again."""
        self.augment.probability, self.signs = state["probability"], list(state["signs"])
