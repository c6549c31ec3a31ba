import warnings

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from torchmetrics.image.kid import KernelInceptionDistance

from common.metrics.kernel_distance import kernel_distance, maximum_mean_discrepancy


def two_sets(n=12, m=9, d=5, shift=0.7, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift


def by_loops(real, generated, kernel):
    """Unbiased MMD² as Gretton writes it, lemma 6."""
    total = 0.0
    for features in (real, generated):
        n = len(features)
        total += sum(kernel(features[i], features[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    return total - 2 * np.mean([[kernel(x, y) for y in generated] for x in real])


def polynomial(x, y):
    return (x @ y / len(x) + 1) ** 3


def gaussian(bandwidth):
    return lambda x, y: np.exp(-np.sum((x - y) ** 2) / (2 * bandwidth**2))


def kid_of_torchmetrics(real, generated, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metric = KernelInceptionDistance(feature=torch.nn.Identity(), **options)
    metric.update(torch.as_tensor(real), real=True)
    metric.update(torch.as_tensor(generated), real=False)
    return [value.item() for value in metric.compute()]


def test_whole_sets_are_one_subset():
    real, generated = two_sets(10, 10)
    assert kernel_distance(real, generated) == pytest.approx(by_loops(real, generated, polynomial), rel=1e-9)
    expected, _ = kid_of_torchmetrics(real, generated, subsets=1, subset_size=10)
    assert kernel_distance(real, generated) == pytest.approx(expected, rel=1e-9)


def test_random_subsets_agree_with_torchmetrics_within_their_spread():
    real, generated = two_sets(60, 80)
    torch.manual_seed(0)
    expected, spread = kid_of_torchmetrics(real, generated, subsets=100, subset_size=20)
    found = kernel_distance(real, generated, subsets=100, subset_size=20)
    assert found == pytest.approx(expected, abs=4 * spread * (2 / 100) ** 0.5)
    assert found != kernel_distance(real, generated, subsets=1, subset_size=20)


def test_subset_is_as_large_as_the_smaller_set_at_most():
    """All of 9 generated samples against each choice of 9 of 12 real ones: the mean is that over all pairs."""
    real, generated = two_sets()
    expected = by_loops(real, generated, polynomial)
    assert kernel_distance(real, generated, subsets=3000) == pytest.approx(expected, rel=0.02)


def test_seed_decides():
    real, generated = two_sets(60, 60)
    options = {"subsets": 3, "subset_size": 10}
    values = [kernel_distance(real, generated, **options, seed=seed) for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


@pytest.mark.parametrize("score", [kernel_distance, maximum_mean_discrepancy])
def test_unbiased(score):
    """Mean 0 over draws of one distribution, at a size where a biased estimate is well above."""
    values = [score(*two_sets(10, 10, shift=0, seed=seed)) for seed in range(300)]
    error = np.std(values) / len(values) ** 0.5
    assert abs(np.mean(values)) < 3 * error
    assert min(values) < 0


@pytest.mark.parametrize("bandwidth", [0.5, 2.0])
def test_mmd_by_loops(bandwidth):
    real, generated = two_sets()
    expected = by_loops(real, generated, gaussian(bandwidth))
    assert maximum_mean_discrepancy(real, generated, bandwidth=bandwidth) == pytest.approx(expected, rel=1e-9)


def test_bandwidth_is_the_median_distance():
    real, generated = two_sets()
    median = np.median(pdist(np.concatenate([real, generated])))
    expected = by_loops(real, generated, gaussian(median))
    assert maximum_mean_discrepancy(real, generated) == pytest.approx(expected, rel=1e-9)
    assert maximum_mean_discrepancy(1e4 + real, 1e4 + generated) == pytest.approx(expected, rel=1e-6)


def test_far_sets():
    """Two points far from two equal others: k is 1 within, 0 across."""
    assert maximum_mean_discrepancy([[0], [0]], [[9], [9]], bandwidth=1) == pytest.approx(2)


def test_larger_shift_is_farther():
    for score in (kernel_distance, maximum_mean_discrepancy):
        values = [score(*two_sets(40, 40, shift=shift)) for shift in (0, 0.5, 1, 2)]
        assert values == sorted(values)


def test_no_bandwidth_is_refused():
    with pytest.raises(ValueError, match=r"bandwidth is 0\.0"):
        maximum_mean_discrepancy(np.ones((4, 2)), np.ones((4, 2)))
    with pytest.raises(ValueError, match="bandwidth is -1"):
        maximum_mean_discrepancy(*two_sets(), bandwidth=-1)


@pytest.mark.parametrize("score", [kernel_distance, maximum_mean_discrepancy])
def test_bad_features_are_refused(score):
    with pytest.raises(ValueError, match="1 generated samples"):
        score(np.zeros((4, 2)), np.zeros((1, 2)))
