"""Smooth random fields that depend on position in mm only: the same patient has the same ones on every grid."""

from collections.abc import Sequence

import numpy as np

REACH = 180.0  # mm: the knots cover [-REACH, REACH] on every axis
SPREAD = 0.479**0.5  # standard deviation that one axis of cubic B-splines leaves of white noise


def smooth_field(rng: np.random.Generator, axes: Sequence[np.ndarray], pitch: float) -> np.ndarray:
    """Gaussian field with zero mean, unit variance and a knot every `pitch` mm.

    Args:
        rng: source of the knots; equal generators give equal fields.
        axes: coordinates of the grid along x, y, z, in mm within ±180.
        pitch: distance of the knots, mm.

    Returns:
        float32 array of shape (len(x), len(y), len(z)).
    """
    count = int(np.ceil(2 * REACH / pitch)) + 4
    field = rng.standard_normal((count, count, count), dtype=np.float32)
    for values in axes:
        away = np.abs((np.asarray(values)[:, None] + REACH) / pitch + 1 - np.arange(count))
        near, far = 2 / 3 - away**2 + away**3 / 2, np.clip(2 - away, 0, None) ** 3 / 6
        weights = (np.where(away < 1, near, far) / SPREAD).astype(np.float32)  # of cubic B-splines: (samples, count)
        field = np.tensordot(field, weights, (0, 1))  # takes the first axis to the end: x, y, z again after three
    return field
