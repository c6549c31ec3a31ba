from functools import partial

import numpy as np
import pytest

from common.metrics.frechet import frechet_distance
from common.metrics.inception_score import inception_score
from common.metrics.kernel_distance import kernel_distance
from common.metrics.neighbourhoods import precision
from common.metrics.resampling import bootstrap_interval, matched, real_floor


def two_sets(n, m, shift=0.5, seed=0, d=2):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), 1.2 * rng.normal(size=(m, d)) + shift


def mean_difference(first, second):
    return float((first - second.mean(0)).mean())


COVERAGE = {"FID": frechet_distance, "KID": partial(kernel_distance, subsets=1), "precision": precision}


@pytest.mark.parametrize("name", COVERAGE)
def test_interval_holds_the_expectation(name):
    """Of 95 % intervals from fresh draws, about 95 % hold the score's mean over draws of this size."""
    score, draws = COVERAGE[name], 200
    expected = np.mean([score(*two_sets(60, 40, seed=1000 + seed, d=4)) for seed in range(600)])
    held = 0
    for seed in range(draws):
        low, high = bootstrap_interval(score, *two_sets(60, 40, seed=seed, d=4), replicates=40, seed=seed)
        held += low <= expected <= high
    assert 0.88 <= held / draws <= 0.99


def test_width_of_a_mean():
    """Means differ by ±1.96 √(σ²/n + σ²/m)."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(400, 1)), rng.normal(size=(100, 1))
    low, high = bootstrap_interval(mean_difference, first, second, replicates=2000)
    expected = 2 * 1.96 * (first.var() / 400 + second.var() / 100) ** 0.5
    assert high - low == pytest.approx(expected, rel=0.07)
    assert (high + low) / 2 == pytest.approx(mean_difference(first, second), abs=0.05 * expected)


def test_interval_is_centred_on_the_score_not_on_its_halves():
    """Halves of equal sets have a FID far above 0, the sets themselves 0."""
    real, _ = two_sets(60, 1, d=20)
    low, high = bootstrap_interval(frechet_distance, real, real)
    assert low < 0 < high
    assert real_floor(frechet_distance, real, n=30).value > 2 * high


def test_narrower_with_more_samples_and_a_lower_level():
    small, large = (bootstrap_interval(frechet_distance, *two_sets(n, n)) for n in (40, 400))
    assert np.ptp(large) < 0.6 * np.ptp(small)
    inner = bootstrap_interval(frechet_distance, *two_sets(40, 40), level=0.5)
    assert small[0] < inner[0] < inner[1] < small[1]


def test_seed_decides():
    intervals = [bootstrap_interval(frechet_distance, *two_sets(30, 30), replicates=20, seed=s) for s in (0, 0, 1)]
    assert intervals[0] == intervals[1] != intervals[2]


def test_one_set():
    features, _ = two_sets(50, 1)
    low, high = bootstrap_interval(inception_score, features)
    assert low < inception_score(features) < high


def test_halves_hold_no_copies_and_come_from_their_own_set():
    sizes = set()

    def watching(first, second):
        assert len(np.unique(first)) == len(first) and first.max() < 100 <= second.min()
        sizes.add((len(first), len(second)))
        return 0.0

    bootstrap_interval(watching, np.arange(10.0)[:, None], np.arange(100.0, 107)[:, None], replicates=5)
    assert sizes == {(10, 7), (5, 3)}


def test_floor_splits_into_disjoint_halves():
    seen = []

    def watching(first, second):
        assert not set(first.ravel()) & set(second.ravel())
        seen.append((len(first), len(second), tuple(first.ravel())))
        return float(len(seen))

    estimate = real_floor(watching, np.arange(21.0)[:, None], n=8, splits=5)
    assert [row[:2] for row in seen] == [(8, 8)] * 5
    assert len({row[2] for row in seen}) == 5
    assert estimate == (3.0, pytest.approx(1.1), pytest.approx(4.9), 8)


def test_matched_takes_the_floors_real_halves():
    halves = {"floor": [], "matched": []}

    def watching(side, first, second):
        halves[side].append(first.ravel().tolist())
        if side == "matched":
            assert second.min() >= 100 and len(np.unique(second)) == 8
        return 0.0

    real = np.arange(21.0)[:, None]
    real_floor(partial(watching, "floor"), real, n=8, seed=4)
    estimate = matched(partial(watching, "matched"), real, real + 100, n=8, seed=4)
    assert halves["floor"] == halves["matched"]
    assert estimate.n == 8


def test_matched_equals_the_floor_for_more_of_the_same():
    """A perfect generator scores as real data does; a shifted one does not."""
    rng = np.random.default_rng(0)
    real, same = rng.normal(size=(2, 200, 3))
    floor = real_floor(frechet_distance, real, n=100)
    assert floor.low <= matched(frechet_distance, real, same, n=100).value <= floor.high
    assert matched(frechet_distance, real, same + 1, n=100).low > floor.high


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda a, b: real_floor(frechet_distance, a, n=6), "6 samples wanted, half of the real set has 5"),
        (lambda a, b: matched(frechet_distance, a, b, n=6), "half of the real set has 5"),
        (lambda a, b: matched(frechet_distance, a, b, n=5), "5 samples wanted, the generated set has 4"),
        (lambda a, b: real_floor(frechet_distance, a, n=0), "0 samples wanted"),
        (lambda a, b: real_floor(frechet_distance, a, n=3, splits=0), "0 splits"),
        (lambda a, b: bootstrap_interval(frechet_distance, a, b, replicates=1), "1 replicates"),
        (lambda a, b: bootstrap_interval(precision, a, b), r"half of each set is too small \(5 real samples and k = 5"),
    ],
)
def test_too_few_are_refused(attempt, message):
    with pytest.raises(ValueError, match=message):
        attempt(*two_sets(10, 4))
