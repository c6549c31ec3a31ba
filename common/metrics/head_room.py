"""Can a table of arms show a gain at all? Only where more real cases would help."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MINIMUM = 0.03  # Dice that half of the cases must lose


@dataclass(frozen=True)
class Loss:
    """What a baseline loses with fewer of its real cases, everything else equal.

    Attributes:
        cases: That it keeps.
        loss: Mean Dice of the baseline less that with `cases`.
        low, high: 95 % interval of the loss; None where there is none.
    """

    cases: int
    loss: float
    low: float | None
    high: float | None

    @property
    def clear(self) -> bool:
        """At least `MINIMUM`, with an interval above 0."""
        return self.loss >= MINIMUM and self.low is not None and self.low > 0

    @property
    def small(self) -> bool:
        """Less than `MINIMUM`; a larger one with an interval that holds 0, or none, is neither small nor clear."""
        return self.loss < MINIMUM


@dataclass(frozen=True)
class HeadRoom:
    """Whether a baseline leaves room for a gain.

    Attributes:
        state: ``yes``, ``no``, or ``unknown``.
        cases: Real cases of the baseline.
        shown_by: The loss that decided it; for ``unknown`` the one nearest to half of the cases, None without any.
    """

    state: Literal["yes", "no", "unknown"]
    cases: int
    shown_by: Loss | None = None


def head_room(cases: int, losses: Sequence[Loss]) -> HeadRoom:
    """Whether half of the real cases lose clearly.

    Where no arm has half of them, fewer that do not lose clearly say that half would not either, and more that do say
    that half would.

    Args:
        cases: Real cases of the baseline.
        losses: Of the arms with fewer.
    """
    by_distance = sorted((loss for loss in losses if loss.cases < cases), key=lambda loss: abs(2 * loss.cases - cases))
    if not by_distance:
        return HeadRoom("unknown", cases)
    at_most = [loss for loss in by_distance if 2 * loss.cases <= cases + 1]  # an odd number has no half
    at_least = [loss for loss in by_distance if 2 * loss.cases >= cases - 1]
    if at_most and at_most[0].small:
        return HeadRoom("no", cases, at_most[0])
    if at_least and at_least[0].clear:
        return HeadRoom("yes", cases, at_least[0])
    return HeadRoom("unknown", cases, by_distance[0])
