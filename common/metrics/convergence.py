"""Had a training converged? Whether the last third of its curve is flat within its noise."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

FLAT = 0.01  # Dice; a third of the 0.03 that a gain must have to count, see `head_room`
_FEWEST = 4  # points of the third: a line through three hardly tells its noise


@dataclass(frozen=True)
class Convergence:
    """What the last third of a curve says.

    Attributes:
        state: ``converged`` where it rises by less than what counts; ``still rising`` where it rises by more, and by
            more than twice the standard error; ``unknown`` where the noise hides which, or the points are too few.
        rise: Of the straight line through the third, from its first point to its last.
        error: Its standard error.
        points: Of the third.
    """

    state: Literal["converged", "still rising", "unknown"]
    rise: float | None
    error: float | None
    points: int


def judge_convergence(x: ArrayLike, y: ArrayLike, *, flat: float = FLAT) -> Convergence:
    """Whether a curve that is better when higher has stopped to rise.

    A schedule that lets the learning rate fall to 0 makes any curve flat at its end: only a longer training tells
    whether more updates would have helped.

    Args:
        x: Epochs or steps (N,), ascending.
        y: Values (N,), such as the validation Dice; NaN are left out.
        flat: Rise that does not count.
    """
    values = np.asarray(y, dtype=float)
    known = np.isfinite(values)
    points = -(-int(known.sum()) // 3)
    if points < _FEWEST:
        return Convergence("unknown", None, None, points)
    at, values = np.asarray(x, dtype=float)[known][-points:], values[known][-points:]
    centred = at - at.mean()
    slope, level = np.polyfit(centred, values, 1)
    residual = values - level - slope * centred
    deviation = np.sqrt(np.square(residual).sum() / (points - 2) / np.square(centred).sum())
    rise, error = float(slope * np.ptp(at)), float(deviation * np.ptp(at))
    if rise <= flat:
        return Convergence("converged", rise, error, points)
    return Convergence("still rising" if rise > 2 * error else "unknown", rise, error, points)
