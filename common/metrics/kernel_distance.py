"""Kernel distances between two sets of features: KID and MMD."""

import numpy as np

from .feature_sets import checked_sets
from .neighbourhoods import squared_distances


def kernel_distance(
    real: np.ndarray, generated: np.ndarray, *, subsets: int = 50, subset_size: int = 100, seed: int = 0
) -> float:
    """KID: mean unbiased MMD² over random subsets, with the kernel (x·y / d + 1)³.

    Unlike FID its mean does not depend on N. torchmetrics' ``KernelInceptionDistance`` gives the same, but draws from
    the global random state, refuses sets smaller than a subset and computes the kernel anew for each subset, which
    resampling repeats hundreds of times; and torchmetrics would be needed for this alone.

    Args:
        real: Features (N, d).
        generated: Features (M, d).
        subsets: Number of subsets.
        subset_size: Samples of each set in a subset, at most as many as the smaller set has.
        seed: Of the subsets.

    Returns:
        About 0 for equal distributions, also below.

    Raises:
        ValueError: See `checked_sets`.

    Bińkowski et al. 2018, arXiv 1801.01401.
    """
    real, generated = checked_sets(real, generated)
    among_real, among_generated, across = (
        (first @ second.T / first.shape[1] + 1) ** 3
        for first, second in ((real, real), (generated, generated), (real, generated))
    )
    size = min(subset_size, len(real), len(generated))
    rng = np.random.default_rng(seed)
    rows, columns = (  # 1 where a sample belongs to the subset
        rng.permuted(np.tile(np.arange(len(features)) < size, (subsets, 1)), axis=1).astype(np.float64)
        for features in (real, generated)
    )
    return float(_unbiased_mmd(among_real, among_generated, across, rows, columns).mean())


def maximum_mean_discrepancy(real: np.ndarray, generated: np.ndarray, *, bandwidth: float | None = None) -> float:
    """Unbiased MMD² with the Gaussian kernel exp(-|x - y|² / 2σ²).

    MONAI's ``MMDMetric`` has the linear kernel only, which sees no more than the difference of the means, and wants
    both sets of one size.

    Args:
        real: Features (N, d).
        generated: Features (M, d).
        bandwidth: σ, in units of the features; the median distance among all samples when None.

    Returns:
        About 0 for equal distributions, also below; at most 2.

    Raises:
        ValueError: See `checked_sets`; or a bandwidth of 0 or below, given or because all samples are equal.

    Gretton et al. 2012, JMLR 13, lemma 6 and section 8.
    """
    real, generated = checked_sets(real, generated)
    joint = np.concatenate([real, generated])
    squares = squared_distances(joint, joint)
    if bandwidth is None:
        bandwidth = float(np.median(np.sqrt(squares[np.triu_indices_from(squares, 1)])))
    if not bandwidth > 0:
        raise ValueError(f"bandwidth is {bandwidth}, expected more than 0: give one, or look for copies in the sets")
    kernel = np.exp(squares / (-2 * bandwidth**2))
    n, m = len(real), len(generated)
    return float(_unbiased_mmd(kernel[:n, :n], kernel[n:, n:], kernel[:n, n:], np.ones((1, n)), np.ones((1, m)))[0])


def _unbiased_mmd(
    among_real: np.ndarray, among_generated: np.ndarray, across: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """MMD² (S,) of S subsets, from the kernels (N, N), (M, M), (N, M) and members, 0 or 1, (S, N), (S, M)."""
    within = np.zeros(len(rows))
    for kernel, members in ((among_real, rows), (among_generated, columns)):
        size = members.sum(axis=1)
        pairs = ((members @ kernel) * members).sum(axis=1) - members @ kernel.diagonal()
        within = within + pairs / (size * (size - 1))
    between = ((rows @ across) * columns).sum(axis=1) / (rows.sum(axis=1) * columns.sum(axis=1))
    return within - 2 * between
