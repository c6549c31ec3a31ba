"""Precision, recall, density and coverage: does one set lie where the other one is?

Each ball around a sample reaches to its k-th nearest neighbour of the same set.
"""

import numpy as np

from .feature_sets import checked_sets

_ROUND_OFF = 1e-10  # of the mean squared distance: a sample on the edge of a ball is inside


def precision(real: np.ndarray, generated: np.ndarray, *, k: int = 5) -> float:
    """Share of generated samples inside any real ball: fidelity.

    Args:
        real: Features (N, d).
        generated: Features (M, d).
        k: Neighbours that a ball's radius spans; 3 in Kynkäänniemi's paper, 5 in Naeem's.

    Returns:
        0 to 1. One real outlier with a wide ball raises it; `density` does not suffer from that.

    Raises:
        ValueError: Not more than ``k`` real samples; see also `feature_sets.checked_sets`.

    Kynkäänniemi et al. 2019, arXiv 1904.06991.
    """
    return float(_inside(*checked_sets(real, generated, minimum=1), k).any(axis=0).mean())


def recall(real: np.ndarray, generated: np.ndarray, *, k: int = 5) -> float:
    """Share of real samples inside any generated ball: variety. Arguments, errors and source as for `precision`."""
    real, generated = checked_sets(real, generated, minimum=1)
    return float(_inside(generated, real, k, "generated").any(axis=0).mean())


def density(real: np.ndarray, generated: np.ndarray, *, k: int = 5) -> float:
    """Mean number of real balls around a generated sample, over ``k``: fidelity, and robust to outliers.

    Returns:
        From 0; about 1 for equal distributions, more where generated samples crowd in the densest parts.

    Arguments and errors as for `precision`. Naeem et al. 2020, arXiv 2002.09797.
    """
    return float(_inside(*checked_sets(real, generated, minimum=1), k).sum(axis=0).mean() / k)


def coverage(real: np.ndarray, generated: np.ndarray, *, k: int = 5) -> float:
    """Share of real balls that hold a generated sample: variety, and robust to outliers.

    Returns:
        0 to 1; about 1 - 2⁻ᵏ for equal distributions and N = M.

    Arguments and errors as for `precision`. Naeem et al. 2020, arXiv 2002.09797.
    """
    return float(_inside(*checked_sets(real, generated, minimum=1), k).any(axis=1).mean())


def squared_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances (N, M) of (N, d) and (M, d), exact to about 1e-15 of their mean.

    Five times faster than scipy's ``cdist`` at 500 × 2,048, ten times faster than scikit-learn, with its checks, at
    30 × 4, and resampling asks hundreds of times.
    """
    centre = first.mean(axis=0)  # |x|² - 2xy + |y|² cancels far from the origin
    first, second = first - centre, second - centre
    norms = (np.einsum("ij,ij->i", features, features) for features in (first, second))
    return np.maximum(np.add.outer(*norms) - 2 * (first @ second.T), 0)


def _inside(centres: np.ndarray, samples: np.ndarray, k: int, name: str = "real") -> np.ndarray:
    """(N, M): is sample j in the ball around centre i?"""
    if not 1 <= k < len(centres):
        raise ValueError(
            f"{len(centres)} {name} samples and k = {k}, expected 1 ≤ k < samples: add volumes to that set or lower k"
        )
    among = squared_distances(centres, centres)
    radii = np.partition(among, k, axis=1)[:, k]  # 0 is the centre itself
    across = squared_distances(centres, samples)
    return across <= radii[:, None] + _ROUND_OFF * across.mean()
