import numpy as np
import pytest

from common.metrics.neighbourhoods import coverage, density, precision, recall, squared_distances

SCORES = [precision, recall, density, coverage]
SIZES = [(20, 30, 2, 3), (40, 25, 3, 5), (12, 12, 40, 1)]  # N, M, d, k


def two_sets(n, m, d, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), 1.3 * rng.normal(size=(m, d)) + 0.4


def by_loops(real, generated, k):
    """The four scores, straight from the papers."""

    def balls(centres):
        return [sorted(np.linalg.norm(centres - centre, axis=1))[k] for centre in centres]

    def inside(centres, sample):
        return [np.linalg.norm(sample - c) <= r for c, r in zip(centres, balls(centres), strict=True)]

    counts = [sum(inside(real, sample)) for sample in generated]
    filled = np.any([inside(real, sample) for sample in generated], axis=0)
    return {
        precision: np.mean([count > 0 for count in counts]),
        recall: np.mean([any(inside(generated, sample)) for sample in real]),
        density: sum(counts) / (k * len(generated)),
        coverage: np.mean(filled),
    }


@pytest.mark.parametrize(("n", "m", "d", "k"), SIZES)
def test_parity_with_loops(n, m, d, k):
    real, generated = two_sets(n, m, d)
    expected = by_loops(real, generated, k)
    assert {score: score(real, generated, k=k) for score in SCORES} == pytest.approx(expected)


@pytest.mark.parametrize("offset", [0, 1e4])
@pytest.mark.parametrize("k", [1, 5])
def test_identical_sets(k, offset):
    """Each sample lies in its own ball and, on average, on or inside those of k others."""
    real, _ = two_sets(30, 1, 4)
    values = {score: score(real + offset, real[::-1] + offset, k=k) for score in SCORES}
    assert values == pytest.approx({precision: 1, recall: 1, density: (k + 1) / k, coverage: 1})


def test_far_sets():
    real, generated = two_sets(30, 30, 4)
    assert [score(real, generated + 100) for score in SCORES] == [0, 0, 0, 0]


def test_one_mode_of_two():
    """Generated samples all in one of two real clusters: faithful, but half of the real set is not covered."""
    rng = np.random.default_rng(0)
    first, second, generated = rng.normal(size=(3, 50, 2))
    real = np.concatenate([first, second + 100])
    assert precision(real, generated) > 0.9
    assert recall(real, generated) < 0.5
    assert 0.4 < coverage(real, generated) <= 0.5


def test_line_by_hand():
    """Real 0, 1, 3 with k = 1: radii 1, 1, 2. Generated 2 and 6: 2 lies in the balls around 1 and 3, 6 in none."""
    real, generated = np.array([[0.0], [1], [3]]), np.array([[2.0], [6]])
    values = [score(real, generated, k=1) for score in SCORES]
    assert values == pytest.approx([1 / 2, 1, 2 / 2, 2 / 3])


def test_outlier_deceives_precision_but_not_density():
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(50, 2)), rng.normal(size=(50, 2)) + 10
    outlier = np.concatenate([real[1:], [[500.0, 0]]])
    assert precision(real, generated) == 0
    assert precision(outlier, generated) == 1
    assert density(outlier, generated) < 0.3


def test_recall_is_precision_the_other_way_round():
    real, generated = two_sets(30, 20, 3)
    assert recall(real, generated) == precision(generated, real)


def test_expected_coverage_of_one_distribution():
    """1 - (N-1)…(N-k) / (2N-1)…(2N-k), Naeem et al. 2020, lemma 2; close to 1 - 2⁻ᵏ."""
    n, k = 60, 2
    rng = np.random.default_rng(0)
    values = [coverage(rng.normal(size=(n, 2)), rng.normal(size=(n, 2)), k=k) for _ in range(100)]
    expected = 1 - np.prod([(n - i) / (2 * n - i) for i in range(1, k + 1)])
    assert np.mean(values) == pytest.approx(expected, abs=3 * np.std(values) / 10)


def test_all_samples_equal():
    assert [score(np.ones((8, 3)), np.ones((7, 3))) for score in SCORES] == pytest.approx([1, 1, 8 / 5, 1])


def test_squared_distances_far_from_the_origin():
    first, second = two_sets(5, 6, 3)
    expected = ((first[:, None] - second) ** 2).sum(-1)
    np.testing.assert_allclose(squared_distances(first, second), expected, rtol=1e-12)
    np.testing.assert_allclose(squared_distances(first + 1e6, second + 1e6), expected, rtol=1e-8)


@pytest.mark.parametrize(
    ("score", "n", "m", "name"),
    [(precision, 5, 9, "real"), (recall, 9, 5, "generated"), (density, 5, 9, "real"), (coverage, 5, 9, "real")],
)
def test_too_few_samples_are_refused(score, n, m, name):
    with pytest.raises(ValueError, match=f"5 {name} samples and k = 5"):
        score(np.zeros((n, 2)), np.zeros((m, 2)))


@pytest.mark.parametrize("score", SCORES)
def test_bad_features_are_refused(score):
    with pytest.raises(ValueError, match="k = 0"):
        score(np.zeros((9, 2)), np.zeros((9, 2)), k=0)
    with pytest.raises(ValueError, match="real samples have 2 features, generated ones 3"):
        score(np.zeros((9, 2)), np.zeros((9, 3)))
    with pytest.raises(ValueError, match="9 of 9 generated samples"):
        score(np.zeros((9, 2)), np.full((9, 2), np.nan))
