"""Scores as a report prints them: value, interval, floor, all at stated sample sizes."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import NotRequired, TypedDict, TypeVar

import numpy as np

from .alpha_precision import alpha_precision, beta_recall
from .feature_sets import checked_sets
from .frechet import frechet_distance, slice_frechet_distance
from .inception_score import inception_score
from .kernel_distance import maximum_mean_discrepancy
from .neighbourhoods import coverage, density, precision, recall
from .resampling import Estimate, Score, bootstrap_interval, matched, real_floor

T = TypeVar("T")

# What a score cannot leave, nor may its interval; the unbiased kernel distances go below 0.
LIMITS: dict[Score, tuple[float, float]] = {
    frechet_distance: (0, math.inf),
    slice_frechet_distance: (0, math.inf),
    inception_score: (1, math.inf),
    precision: (0, 1),
    recall: (0, 1),
    density: (0, math.inf),
    coverage: (0, 1),
    alpha_precision: (0, 1),
    beta_recall: (0, 1),
}
# What stays when all features are turned and moved as one; the kernel of `kernel_distance` is no such score.
_RIGID = {
    *(frechet_distance, maximum_mean_discrepancy),
    *(precision, recall, density, coverage, alpha_precision, beta_recall),
}


class MatchedRow(TypedDict):
    """A score of `n` samples a side: mean over random splits, and their 95 % range."""

    value: float
    interval: list[float]
    n: int


class ScoreRow(TypedDict):
    """A score of two sets, see `compare`."""

    n_real: int
    n_generated: int
    value: float | None
    interval: list[float] | None
    floor: MatchedRow | None
    matched: MatchedRow | None
    note: NotRequired[str]


class SetRow(TypedDict):
    """A score of one set, see `describe`."""

    n: int
    value: float | None
    interval: list[float] | None
    note: NotRequired[str]


def compare(
    scores: Mapping[str, Score],
    real: np.ndarray,
    generated: np.ndarray,
    *,
    replicates: int = 200,
    splits: int = 20,
    seed: int = 0,
) -> dict[str, ScoreRow]:
    """A JSON-ready row for each score of two sets.

    Args:
        scores: Name → callable over (N, d) and (M, d), also a `functools.partial`.
        real: Features (N, d).
        generated: Features (M, d).
        replicates: Of the interval.
        splits: Of the floor.
        seed: Of both.

    Returns:
        Name → ``value, interval [low, high], n_real, n_generated``; ``floor`` and ``matched``, each ``value, interval,
        n`` with n = min(N // 2, M): real against real, and the generated set at that size. What the sets are too small
        for is None, and ``note`` says why.

    Raises:
        ValueError: The features themselves are bad, see `feature_sets.checked_sets`.
    """
    real, generated = checked_sets(real, generated, minimum=0)
    n = min(len(real) // 2, len(generated))
    floor = partial(real_floor, n=n, splits=splits, seed=seed)
    at_floor = partial(matched, n=n, splits=splits, seed=seed)
    interval = partial(_interval, replicates=replicates, seed=seed)
    rows: dict[str, ScoreRow] = {}
    given, turned = (real, generated), _spanned(real, generated)
    for name, score in scores.items():
        attempts = _Attempts()
        real, generated = turned if getattr(score, "func", score) in _RIGID else given
        rows[name] = {
            "n_real": len(real),
            "n_generated": len(generated),
            "value": attempts.result("value", partial(score, real, generated)),
            "interval": attempts.result("interval", partial(interval, score, real, generated)),
            "floor": _as_json(attempts.result("floor", partial(floor, score, real))),
            "matched": _as_json(attempts.result("matched", partial(at_floor, score, real, generated))),
        }
        if attempts.refusals:
            rows[name]["note"] = attempts.note()
    return rows


def _spanned(real: np.ndarray, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both sets, (N, d) and (M, d), in coordinates (N, N + M), (M, N + M) of what they span, where these are fewer.

    All distances and angles stay, to 1e-12 of them; resampling scores hundreds of times, each in time with d.
    """
    joint = np.concatenate([real, generated])
    if not len(joint) or joint.shape[1] <= len(joint):
        return real, generated
    coordinates = np.asarray(np.linalg.qr((joint - joint.mean(axis=0)).T, mode="r")).T
    return coordinates[: len(real)], coordinates[len(real) :]


def describe(
    scores: Mapping[str, Score], real: np.ndarray, generated: np.ndarray, *, replicates: int = 200, seed: int = 0
) -> dict[str, dict[str, SetRow]]:
    """A JSON-ready row for each score of one set: ``real`` and ``generated``, each ``value, interval, n`` and ``note``.

    Arguments and errors as for `compare`; scores are callables over (N, d).
    """
    sets = dict(zip(("real", "generated"), checked_sets(real, generated, minimum=0), strict=True))
    return {
        name: {side: _described(score, features, replicates, seed) for side, features in sets.items()}
        for name, score in scores.items()
    }


def _described(score: Score, features: np.ndarray, replicates: int, seed: int) -> SetRow:
    attempts = _Attempts()
    row: SetRow = {
        "n": len(features),
        "value": attempts.result("value", partial(score, features)),
        "interval": attempts.result("interval", partial(_interval, score, features, replicates=replicates, seed=seed)),
    }
    if attempts.refusals:
        row["note"] = attempts.note()
    return row


class _Attempts:
    """Results of what may refuse its samples; `refusals` has reason → names of what was refused for it."""

    def __init__(self) -> None:
        self.refusals: dict[str, list[str]] = {}

    def result(self, name: str, compute: Callable[[], T]) -> T | None:
        """None where `compute` raises ValueError."""
        try:
            return compute()
        except ValueError as error:
            self.refusals.setdefault(str(error), []).append(name)
            return None

    def note(self) -> str:
        """All refusals in one line."""
        return "; ".join(f"no {', '.join(names)}: {reason}" for reason, names in self.refusals.items())


def _interval(score: Score, *sets: np.ndarray, replicates: int, seed: int) -> list[float]:
    low, high = LIMITS.get(getattr(score, "func", score), (-math.inf, math.inf))
    ends = bootstrap_interval(score, *sets, replicates=replicates, seed=seed)
    return [float(min(max(end, low), high)) for end in ends]


def _as_json(estimate: Estimate | None) -> MatchedRow | None:
    if estimate is None:
        return None
    return {"value": estimate.value, "interval": [estimate.low, estimate.high], "n": estimate.n}
