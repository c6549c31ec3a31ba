from itertools import combinations

import numpy as np
import pytest
import torch
from monai.metrics import MultiScaleSSIMMetric
from scipy.ndimage import gaussian_filter

from common.metrics.diversity import WEIGHTS, _of_pair, multi_scale_ssim, random_pairs, scale_weights

SIZE = (16, 18, 14)
# shape, scales
SCALES = [((7, 9, 9), 1), ((13, 40, 40), 1), ((14, 16, 16), 2), ((64, 64, 32), 3), ((128, 128, 64), 4)]
SCALES += [((256, 256, 128), 5), ((512, 512, 512), 5)]


class Lazy:
    """Volumes that are made when asked for, and how often each was."""

    def __init__(self, count, make):
        self.count, self.make, self.asked = count, make, []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.asked.append(index)
        return self.make(index)


def noise(index, sigma=0):
    volume = np.random.default_rng(index).random((1, *SIZE))
    return torch.as_tensor(gaussian_filter(volume, (0, sigma, sigma, sigma)) if sigma else volume)


def test_identical_volumes():
    np.testing.assert_allclose(multi_scale_ssim([noise(0)] * 4, pairs=3), 1, atol=1e-6)


def test_noise_is_diverse():
    values = multi_scale_ssim(Lazy(4, noise))
    assert values.shape == (6,)
    assert values.max() < 0.35


def test_falls_with_the_difference():
    base = noise(0, sigma=2)
    means = [
        multi_scale_ssim([base + strength * (noise(i + 1) - 0.5) for i in range(3)]).mean()
        for strength in (0.01, 0.05, 0.2)
    ]
    assert 1 > means[0] > means[1] > means[2]


def double_precision(volumes, weights, monkeypatch):
    """The value without rounding."""
    kernel = torch.exp(-((torch.arange(7, dtype=torch.float64) - 3) ** 2) / (2 * 1.5**2))

    def gaussian(size):
        return sum(
            torch.eye(size - 6, size, dtype=torch.float64).roll(i, 1) * kernel[i] / kernel.sum() for i in range(7)
        )

    with monkeypatch.context() as patch:
        patch.setattr("common.metrics.diversity._gaussian", gaussian)
        return _of_pair(*(volume[0].double() for volume in volumes), weights)


@pytest.mark.parametrize(("size", "sigma"), [(SIZE, 0), (SIZE, 2), ((65, 70, 63), 2)])
def test_parity_with_monai(size, sigma, monkeypatch):
    """To the rounding of float32, of which noise leaves much: the mean of its differences is near 0."""
    drawn = [np.random.default_rng(i).random((1, *size)) for i in (0, 1)]
    volumes = [torch.as_tensor(gaussian_filter(x, (0, sigma, sigma, sigma)) if sigma else x).float() for x in drawn]
    weights = scale_weights(size)
    expected = MultiScaleSSIMMetric(spatial_dims=3, kernel_size=7, weights=weights)(*(x[None] for x in volumes)).item()
    found = multi_scale_ssim(volumes).tolist()
    assert found == pytest.approx([expected], rel=3e-4)
    exact = double_precision(volumes, weights, monkeypatch)
    assert found == pytest.approx([exact], abs=5e-5)


def test_data_range():
    volumes = Lazy(4, noise)
    expected = multi_scale_ssim(volumes)
    in_hu = multi_scale_ssim(Lazy(4, lambda i: noise(i) * 1624 - 1024), data_range=(-1024, 600))
    np.testing.assert_allclose(in_hu, expected, rtol=1e-4)


def test_loads_two_volumes_for_each_pair():
    volumes = Lazy(40, noise)
    multi_scale_ssim(volumes, pairs=3)
    assert len(volumes.asked) == len(set(volumes.asked)) == 6


def test_seeded_by_count_and_seed_alone():
    torch.manual_seed(0)
    first = multi_scale_ssim(Lazy(9, noise), pairs=5)
    torch.rand(7), np.random.default_rng(3).random(4)
    np.testing.assert_array_equal(multi_scale_ssim(Lazy(9, noise), pairs=5), first)
    assert not np.array_equal(multi_scale_ssim(Lazy(9, noise), pairs=5, seed=1), first)
    np.testing.assert_array_equal(multi_scale_ssim(Lazy(9, noise), pairs=8)[:5], first)


@pytest.mark.parametrize("count", [2, 3, 4, 7, 8, 9])
def test_every_pair_once(count):
    pairs = random_pairs(count, pairs=1000, seed=3)
    assert sorted(tuple(sorted(pair)) for pair in pairs) == list(combinations(range(count), 2))


@pytest.mark.parametrize("count", [2, 9, 10])
def test_first_pairs_are_disjoint(count):
    pairs = random_pairs(count, pairs=count // 2)
    assert len({index for pair in pairs for index in pair}) == 2 * (count // 2)


@pytest.mark.parametrize(("shape", "scales"), SCALES)
def test_scales(shape, scales):
    weights = scale_weights(shape)
    assert len(weights) == scales
    assert sum(weights) == pytest.approx(1)
    np.testing.assert_allclose(np.divide(weights, WEIGHTS[:scales]), weights[0] / WEIGHTS[0])


@pytest.mark.parametrize("smallest", [7, 14, 28])
def test_monai_takes_the_smallest_volumes_of_each_scale(smallest):
    volume = torch.ones(1, smallest, smallest + 1, smallest)
    assert multi_scale_ssim([volume, volume]).tolist() == pytest.approx([1])


@pytest.mark.parametrize(
    ("volumes", "options", "message"),
    [
        ([noise(0)], {}, "100 pairs of 1 volumes"),
        ([noise(0)] * 2, {"pairs": 0}, "0 pairs of 2 volumes"),
        ([noise(0)[0]] * 2, {}, r"has shape \(16, 18, 14\), expected \(1, H, W, D\)"),
        ([noise(0), noise(0)[..., 1:]], {}, "volumes differ in shape"),
        ([noise(0) * float("nan")] * 2, {}, "NaN"),
        ([torch.ones(1, 8, 8, 6)] * 2, {}, "expected at least 7"),
        ([noise(0)] * 2, {"data_range": (1, 1)}, r"data_range is \(1, 1\)"),
    ],
)
def test_bad_volumes_are_refused(volumes, options, message):
    with pytest.raises(ValueError, match=message):
        multi_scale_ssim(volumes, **options)
