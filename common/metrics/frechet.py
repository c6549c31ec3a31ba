"""Fréchet distance (FID) between two sets of features."""

import numpy as np

from .feature_sets import checked_sets


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
    # (N, d) → (min(N, d), d) with the same Gram matrix d × d, hence the same singular values of the product
    first, second = (
        np.asarray(np.linalg.qr(factor, mode="r")) if len(factor) > factor.shape[1] else factor for factor in factors
    )
    root = np.linalg.svd(first @ second.T, compute_uv=False).sum()
    return max(float(np.sum((means[0] - means[1]) ** 2) + traces - 2 * root), 0.0)  # round-off goes below 0


def slice_frechet_distance(real: np.ndarray, generated: np.ndarray, *, slices: int) -> float:
    """Mean over three planes of the Fréchet distance between the slices of all volumes: MAISI's 2.5D FID.

    Args:
        real: Features (N, 3·slices·d), see `EachSlice`.
        generated: Features (M, 3·slices·d).
        slices: Of each plane.

    Raises:
        ValueError: See `checked_sets`; or the features are not those of so many slices.

    Guo et al. 2025, MAISI, arXiv 2409.11169.
    """
    real, generated = checked_sets(real, generated)
    if real.shape[1] % (3 * slices):
        raise ValueError(f"{real.shape[1]} features, expected those of 3 planes with {slices} slices each")
    planes = [side.reshape(len(side), 3, slices, -1) for side in (real, generated)]
    by_plane = [[side[:, plane].reshape(-1, side.shape[-1]) for side in planes] for plane in range(3)]
    return float(np.mean([frechet_distance(*sides) for sides in by_plane]))
