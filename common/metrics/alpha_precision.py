"""α-precision, β-recall and authenticity: Alaa et al. 2022, How faithful is your synthetic data?, arXiv 2102.08921.

Where precision asks whether a sample lies among the real ones at all, these look at the whole distribution: the ball
that holds the α share of the real samples, around their centre, must hold the α share of the generated ones. The curves
over α and β are summed up by how far they are from the diagonal, as in synthcity's and the SIM Toolkit's code. The
centre is the mean of the features, as in their "naive" variant; the paper first learns an embedding.
"""

import numpy as np

from .feature_sets import checked_sets
from .neighbourhoods import squared_distances

_SHARES = np.linspace(0, 1, 30)  # α and β, as many as in their code


def alpha_precision(real: np.ndarray, generated: np.ndarray) -> float:
    """Fidelity: 1 - Σ|α - P(α)| / Σα, where P(α) of the generated samples are in the ball of α of the real ones.

    Args:
        real: Features (N, d).
        generated: Features (M, d).

    Returns:
        0 to 1, where 1 is best. 0 where all generated samples lie outside, or all in the centre.

    Raises:
        ValueError: See `feature_sets.checked_sets`.
    """
    real, generated = checked_sets(real, generated)
    centre = real.mean(axis=0)
    to_centre, generated_to_centre = (np.linalg.norm(side - centre, axis=1) for side in (real, generated))
    radii = np.quantile(to_centre, _SHARES)
    return _nearness_to_diagonal((generated_to_centre[:, None] <= radii).mean(axis=0))


def beta_recall(real: np.ndarray, generated: np.ndarray) -> float:
    """Variety: 1 - Σ|β - R(β)| / Σβ, where R(β) is the share of real samples that the β share of generated ones covers.

    A generated sample covers a real one that it is the nearest of, no farther away than the next real one. The β share,
    of the samples that are nearest of a real one, are those nearest to the generated centre. Arguments, result and
    errors as for `alpha_precision`.
    """
    real, generated = checked_sets(real, generated)
    across = squared_distances(real, generated)
    nearest = across.argmin(axis=1)
    covered = across.min(axis=1) <= _next_real(real)
    to_centre = np.linalg.norm(generated - generated.mean(axis=0), axis=1)[nearest]
    radii = np.quantile(to_centre, _SHARES)
    return _nearness_to_diagonal((covered[:, None] & (to_centre[:, None] <= radii)).mean(axis=0))


def authentic(train: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Which of the samples (M, d) are farther from their nearest training case (N, d) than that is from the next one.

    As the paper has it. The code of synthcity asks the training cases, not the samples, and takes the distance to the
    next case of another case than it compares (the index of a sample), so that its numbers depend on the order.
    """
    train, samples = checked_sets(train, samples)
    across = squared_distances(samples, train)
    return across.min(axis=1) > _next_real(train)[across.argmin(axis=1)]


def _next_real(real: np.ndarray) -> np.ndarray:
    """Squared distance of each sample to the nearest other one."""
    among = squared_distances(real, real)
    np.fill_diagonal(among, np.inf)
    return among.min(axis=1)


def _nearness_to_diagonal(curve: np.ndarray) -> float:
    return float(1 - np.abs(_SHARES - curve).sum() / _SHARES.sum())
