"""Fréchet distance (FID) between two sets of features."""

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


def frechet_distance(real: np.ndarray, generated: np.ndarray) -> float:
    """Squared Fréchet distance of the Gaussians fitted to both sets: |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2(Σ₁Σ₂)^½).

    With the centred features A (N, d) and B (M, d), tr (Σ₁Σ₂)^½ is the sum of the singular values of
    ABᵀ / √((N-1)(M-1)): no root of a singular d × d matrix, which is slow and inexact where N < d. MONAI's
    ``FIDMetric`` takes that root.

    Args:
        real: Features (N, d).
        generated: Features (M, d).

    Returns:
        0 for equal sets; grows with the distance, and as N and M get smaller, so compare at equal N only.

    Raises:
        ValueError: See `checked_sets`.

    Heusel et al. 2017, arXiv 1706.08500; thesis 3.9.3.
    """
    real, generated = checked_sets(real, generated)
    means = real.mean(axis=0), generated.mean(axis=0)
    factors = [
        (features - mean) / np.sqrt(len(features) - 1) for features, mean in zip((real, generated), means, strict=True)
    ]
    traces = sum(np.vdot(factor, factor) for factor in factors)
    first, second = (_triangular(factor) for factor in factors)
    root = np.linalg.svd(first @ second.T, compute_uv=False).sum()
    return max(float(np.sum((means[0] - means[1]) ** 2) + traces - 2 * root), 0.0)  # round-off goes below 0


def _triangular(factor: np.ndarray) -> np.ndarray:
    """(N, d) → (min(N, d), d) with the same Gram matrix d × d, hence the same singular values of the product."""
    return np.linalg.qr(factor, mode="r") if len(factor) > factor.shape[1] else factor
