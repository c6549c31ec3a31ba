import numpy as np
import pytest
import torch
from monai.metrics.fid import get_fid_score
from scipy.linalg import sqrtm
from scipy.stats import ortho_group

from common.metrics.frechet import frechet_distance, slice_frechet_distance

SIZES = [(200, 150, 8), (30, 40, 30), (12, 15, 50), (80, 10, 40)]  # N, M, d


def two_sets(n, m, d, seed=0):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(d, d))
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) @ mixing / d**0.5 + 0.5


def whitened(n, d, seed=0):
    """(n, d) whose sample covariance is the identity and whose mean is 0, exactly."""
    sample = np.random.default_rng(seed).normal(size=(n, d))
    orthogonal, _ = np.linalg.qr(sample - sample.mean(0))
    return orthogonal * (n - 1) ** 0.5


def by_eigenvalues(real, generated):
    """tr (Σ₁Σ₂)^½ = Σ √λ(Σ₁^½ Σ₂ Σ₁^½), symmetric, so that singular matrices do not matter."""
    values, vectors = np.linalg.eigh(np.cov(real.T))
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    eigenvalues = np.linalg.eigvalsh(root @ np.cov(generated.T) @ root).clip(0)
    traces = np.trace(np.cov(real.T)) + np.trace(np.cov(generated.T))
    return np.sum((real.mean(0) - generated.mean(0)) ** 2) + traces - 2 * np.sqrt(eigenvalues).sum()


@pytest.mark.parametrize(("n", "d"), [(40, 6), (10, 64)])
def test_shift_of_one_sample(n, d):
    real, _ = two_sets(n, n, d)
    shift = np.linspace(-1, 2, d)
    assert frechet_distance(real, real + shift) == pytest.approx(shift @ shift, rel=1e-9)


@pytest.mark.parametrize(("n", "m", "d"), SIZES)
def test_equal_sets(n, m, d):
    real, _ = two_sets(n, m, d)
    assert frechet_distance(real, real[::-1]) <= 1e-9 * real.var(axis=0).sum()


def test_diagonal_covariances():
    """Σ (σ₁ - σ₂)² + |Δμ|²."""
    first, second = np.array([1.0, 2, 3, 0.5]), np.array([2.0, 2, 0, 1.5])
    shift = np.array([1.0, 0, -1, 2])
    distance = frechet_distance(whitened(50, 4) * first, whitened(30, 4, seed=1) * second + shift)
    assert distance == pytest.approx(np.sum((first - second) ** 2) + shift @ shift, rel=1e-9)


@pytest.mark.parametrize(("n", "m", "d"), SIZES)
def test_parity_with_eigenvalues(n, m, d):
    real, generated = two_sets(n, m, d)
    assert frechet_distance(real, generated) == pytest.approx(by_eigenvalues(real, generated), rel=1e-5)


def test_parity_with_the_matrix_root():
    real, generated = two_sets(200, 150, 8)
    covariances = np.cov(real.T), np.cov(generated.T)
    root = np.trace(sqrtm(covariances[0] @ covariances[1])).real
    expected = np.sum((real.mean(0) - generated.mean(0)) ** 2) + sum(map(np.trace, covariances)) - 2 * root
    assert frechet_distance(real, generated) == pytest.approx(expected, rel=1e-6)


def test_parity_with_monai():
    real, generated = two_sets(200, 150, 8)
    try:
        expected = get_fid_score(torch.as_tensor(generated), torch.as_tensor(real)).item()
    except (TypeError, ValueError) as error:
        pytest.skip(f"MONAI's FID does not run with this scipy: {error}")
    assert frechet_distance(real, generated) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("n", "m", "d"), SIZES)
def test_rotation_and_order_do_not_matter(n, m, d):
    real, generated = two_sets(n, m, d)
    distance = frechet_distance(real, generated)
    turn = ortho_group.rvs(d, random_state=0)
    assert frechet_distance(real @ turn, generated @ turn) == pytest.approx(distance, rel=1e-9)
    assert frechet_distance(generated, real) == pytest.approx(distance, rel=1e-9)
    assert frechet_distance(real[::-1], generated) == pytest.approx(distance, rel=1e-9)


def test_float32_and_tensors_are_computed_in_float64():
    real, generated = (features.astype(np.float32) for features in two_sets(20, 30, 5))
    expected = frechet_distance(real.astype(np.float64), generated.astype(np.float64))
    assert frechet_distance(torch.as_tensor(real), generated) == expected
    assert type(expected) is float


def test_slices_are_compared_by_plane():
    """A plane whose slices are all moved by 3 adds 9; the mean over three planes is 3, whatever lies in the others."""
    rng = np.random.default_rng(0)
    real = rng.normal(size=(20, 3, 4, 2))
    moved = real.copy()
    moved[:, 1, :, 0] += 3
    sides = [side.reshape(20, -1) for side in (real, moved)]
    assert slice_frechet_distance(*sides, slices=4) == pytest.approx(3)
    pooled = [side[:, 1].reshape(-1, 2) for side in (real, moved)]
    assert slice_frechet_distance(*sides, slices=4) == pytest.approx(frechet_distance(*pooled) / 3)
    with pytest.raises(ValueError, match="24 features, expected those of 3 planes with 5 slices"):
        slice_frechet_distance(*sides, slices=5)
