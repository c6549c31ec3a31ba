"""Checks of the feature sets that are compared."""

from typing import Any

import numpy as np


def checked_features(features: Any, name: str, *, minimum: int = 2) -> np.ndarray:
    """``features`` as float64 (N, d).

    Raises:
        ValueError: Another shape, fewer than ``minimum`` samples, or values that are no numbers; says of which set.
    """
    array = np.asarray(features, dtype=np.float64)
    if array.ndim != 2 or not array.shape[1]:
        raise ValueError(f"{name} features have shape {array.shape}, expected (samples, features)")
    if len(array) < minimum:
        raise ValueError(f"{len(array)} {name} samples, expected at least {minimum}: add volumes to that set")
    if not (finite := np.isfinite(array).all(axis=1)).all():
        raise ValueError(
            f"{(~finite).sum()} of {len(array)} {name} samples have features that are NaN or infinite, the first is "
            f"number {finite.argmin()}: check that volume, then extract its features again"
        )
    return array


def checked_sets(real: Any, generated: Any, *, minimum: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Both sets as float64, (N, d) and (M, d).

    Raises:
        ValueError: See `checked_features`; or they differ in d.
    """
    real, generated = (
        checked_features(features, name, minimum=minimum)
        for name, features in (("real", real), ("generated", generated))
    )
    if real.shape[1] != generated.shape[1]:
        raise ValueError(
            f"real samples have {real.shape[1]} features, generated ones {generated.shape[1]}: "
            "extract both sets with the same network"
        )
    return real, generated
