"""Scores as a report prints them: value, interval, floor, all at stated sample sizes."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .feature_sets import checked_sets
from .frechet import frechet_distance
from .inception_score import inception_score
from .neighbourhoods import coverage, density, precision, recall
from .resampling import Estimate, Score, bootstrap_interval, matched, real_floor

Row = dict[str, Any]

# What a score cannot leave, nor may its interval; the unbiased kernel distances go below 0.
LIMITS: dict[Score, tuple[float, float]] = {
    frechet_distance: (0, math.inf),
    inception_score: (1, math.inf),
    precision: (0, 1),
    recall: (0, 1),
    density: (0, math.inf),
    coverage: (0, 1),
}


def compare(
    scores: Mapping[str, Score],
    real: np.ndarray,
    generated: np.ndarray,
    *,
    replicates: int = 200,
    splits: int = 20,
    seed: int = 0,
) -> dict[str, Row]:
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
    options = {"n": n, "splits": splits, "seed": seed}
    rows = {}
    for name, score in scores.items():
        parts = {
            "value": lambda score=score: score(real, generated),
            "interval": lambda score=score: _interval(score, real, generated, replicates=replicates, seed=seed),
            "floor": lambda score=score: _as_json(real_floor(score, real, **options)),
            "matched": lambda score=score: _as_json(matched(score, real, generated, **options)),
        }
        rows[name] = {"n_real": len(real), "n_generated": len(generated), **_attempted(parts)}
    return rows


def describe(
    scores: Mapping[str, Score], real: np.ndarray, generated: np.ndarray, *, replicates: int = 200, seed: int = 0
) -> dict[str, Row]:
    """A JSON-ready row for each score of one set: ``real`` and ``generated``, each ``value, interval, n`` and ``note``.

    Arguments and errors as for `compare`; scores are callables over (N, d).
    """
    sets = dict(zip(("real", "generated"), checked_sets(real, generated, minimum=0), strict=True))
    return {
        name: {side: _described(score, features, replicates, seed) for side, features in sets.items()}
        for name, score in scores.items()
    }


def _described(score: Score, features: np.ndarray, replicates: int, seed: int) -> Row:
    parts = {
        "value": lambda: score(features),
        "interval": lambda: _interval(score, features, replicates=replicates, seed=seed),
    }
    return {"n": len(features), **_attempted(parts)}


def _attempted(parts: Mapping[str, Callable[[], Any]]) -> Row:
    """Each part's result, None where it refuses; the reasons under ``note``."""
    row, notes = {}, {}
    for name, part in parts.items():
        try:
            row[name] = part()
        except ValueError as error:
            row[name] = None
            notes.setdefault(str(error), []).append(name)
    if notes:
        row["note"] = "; ".join(f"no {', '.join(names)}: {reason}" for reason, names in notes.items())
    return row


def _interval(score: Score, *sets: np.ndarray, replicates: int, seed: int) -> list[float]:
    low, high = LIMITS.get(getattr(score, "func", score), (-math.inf, math.inf))
    ends = bootstrap_interval(score, *sets, replicates=replicates, seed=seed)
    return [float(min(max(end, low), high)) for end in ends]


def _as_json(estimate: Estimate) -> Row:
    return {"value": estimate.value, "interval": [estimate.low, estimate.high], "n": estimate.n}
