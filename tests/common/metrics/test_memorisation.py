import json

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from common.metrics.memorisation import memorisation, nearest, shrink


def gaussian(count, seed, *, dims=8, shift=0.0):
    return np.random.default_rng(seed).normal(shift, size=(count, dims)).astype(np.float32)


def test_nearest_is_the_brute_force():
    samples, cases = gaussian(40, 0), gaussian(60, 1)
    distances, indices = nearest(samples, cases)
    table = cdist(samples, cases)
    np.testing.assert_array_equal(indices, table.argmin(axis=1))
    np.testing.assert_allclose(distances, table.min(axis=1), rtol=1e-12)


def test_a_planted_copy_is_found_and_ranked_first():
    train, generated = gaussian(100, 0), gaussian(50, 1)
    generated[7] = train[31]
    generated[9] = train[4] + 1e-3
    result = memorisation(train, generated, gaussian(100, 2))
    assert [pair[:2] for pair in result.closest(2)] == [(7, 31), (9, 4)]
    assert result.closest(1)[0][2] == 0
    assert len(result.closest()) == 50
    assert {7, 9} <= set(np.flatnonzero(result.distances < result.threshold).tolist())


def test_a_copy_far_from_the_origin_is_at_distance_zero():
    """Where |a|² + |b|² - 2ab leaves a rounding error of its own."""
    train = gaussian(20, 0) + 1e4
    assert nearest(train[3:4], train)[0].tolist() == [0]


def test_copies_nearer_than_independent_samples():
    train, held_out = gaussian(200, 0), gaussian(200, 1)
    copies = train[:100] + 0.05 * gaussian(100, 2)
    result = memorisation(train, copies, held_out)
    assert result.copies == 100
    assert result.copy_rate == 1
    assert result.interval[0] > 0.95
    assert result.probability_nearer == pytest.approx(1)
    assert result.p_value < 1e-10


# held-out cases
@pytest.mark.parametrize("count", [20, 100])
def test_independent_samples_have_the_expected_copy_rate(count):
    """Over many draws; with 20 held-out cases it is 5.7 %, far from the quantile's 1 %."""
    results = [
        memorisation(gaussian(50, 3 * draw), gaussian(200, 3 * draw + 1), gaussian(count, 3 * draw + 2))
        for draw in range(150)
    ]
    expected = (1 + 0.01 * (count - 1)) / (count + 1)
    assert {result.expected_rate for result in results} == {expected}
    assert np.mean([result.copy_rate for result in results]) == pytest.approx(expected, rel=0.25)
    assert np.mean([result.probability_nearer for result in results]) == pytest.approx(0.5, abs=0.02)
    assert np.mean([result.p_value < 0.05 for result in results]) < 0.13


def test_samples_far_from_all_are_no_copies():
    result = memorisation(gaussian(100, 0), gaussian(50, 1, shift=5), gaussian(100, 2))
    assert result.copy_rate == 0
    assert result.interval[0] == 0
    assert 0 < result.interval[1] < 0.1
    assert result.probability_nearer == pytest.approx(0)
    assert result.p_value > 0.99


def test_figures_on_a_line():
    """Training cases at 0 and 10; held-out 1…4 from 0, generated 0.5 and 2.5 from 10."""
    train = np.array([[0.0], [10.0]])
    result = memorisation(train, np.array([[10.5], [12.5]]), np.array([[-1.0], [-2], [-3], [-4]]), quantile=0.5)
    assert result.indices.tolist() == [1, 1]
    assert result.held_out_distances.tolist() == [1, 2, 3, 4]
    assert result.threshold == 2.5  # nearer than this is only 0.5
    assert (result.copies, result.copy_rate) == (1, 0.5)
    assert result.probability_nearer == (4 + 2) / 8
    row = json.loads(json.dumps(result.row()))
    assert (row["n_train"], row["n_generated"], row["n_held_out"]) == (2, 2, 4)
    assert (row["median_distance"], row["median_held_out_distance"], row["smallest_distance"]) == (1.5, 2.5, 0.5)
    # Wilson: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)
    z = 1.959964
    half = z * np.sqrt(0.25 / 2 + z**2 / 16) / (1 + z**2 / 2)
    assert row["interval"] == pytest.approx([0.5 - half, 0.5 + half], abs=1e-6)


# change of the arguments, message
BAD = [
    ({"held_out": np.empty((0, 8))}, "no held-out case; hold cases back"),
    ({"generated": np.empty((0, 8))}, "no generated case"),
    ({"generated": np.zeros((5, 9))}, r"dimensions differ, train \(10, 8\), generated \(5, 9\)"),
    ({"train": np.full((10, 8), np.nan)}, "finite train vectors"),
    ({"train": np.zeros((10, 2, 4))}, r"train vectors \(N, d\), got \(10, 2, 4\)"),
    ({"quantile": 1.0}, "quantile is 1.0"),
    ({"train_ids": list("abcdefghij"), "held_out_ids": list("xyjza")}, "2 cases are in training and held-out.* a, j"),
    ({"train_ids": ["a"]}, "10 training vectors, but 1 ids"),
    ({"held_out": np.vstack([gaussian(4, 9), gaussian(10, 0)[6:7]])}, "1 held-out cases equal.* case 4 and case 6"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_what_cannot_be_judged_is_refused(change, message):
    sets = {"train": gaussian(10, 0), "generated": gaussian(5, 1), "held_out": gaussian(5, 2)}
    with pytest.raises(ValueError, match=message):
        memorisation(**{**sets, **change})


def test_shrink_windows_and_averages():
    volume = torch.full((1, 4, 4, 2), -1024.0)
    volume[0, :2, :2, :] = 600
    volume[0, 2:, 2:, 0] = 5000  # clipped to 600
    small = shrink(volume, (2, 2, 1))
    np.testing.assert_allclose(small, [1, -1, -1, 0], atol=1e-6)
    assert small.dtype == np.float32


def test_shrink_takes_masks_and_any_size():
    mask = torch.zeros(1, 10, 7, 5, dtype=torch.uint8)
    mask[:, 5:] = 2
    assert shrink(mask).shape == (32 * 32 * 16,)
    np.testing.assert_allclose(shrink(mask, (2, 1, 1), window=(0, 2)), [-1, 1], atol=1e-6)
