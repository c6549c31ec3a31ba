"""Random changes of an image, against MONAI's transforms with the same parameters."""

import numpy as np
import pytest
import torch
from monai.transforms import GaussianSmooth, RandSimulateLowResolution, ScaleIntensity, ShiftIntensity

from common.transforms import RandIntensityd
from common.transforms.rand_intensity import Intensity, at_resolution, blurred, changed

SETTINGS = {
    "low_resolution": [0.25, 0.5, 1.0],
    "smooth": [0.2, 0.5, 1.0],
    "scale": [0.5, 0.3],
    "shift": [0.5, 0.1],
    "noise": [0.2, 0.1],
}
IMAGE = torch.randn(1, 13, 10, 8, generator=torch.Generator().manual_seed(0))


def close(found, expected):
    torch.testing.assert_close(found, expected.as_subclass(torch.Tensor), atol=2e-6, rtol=0)


@pytest.mark.parametrize("zoom", [0.5, 0.77, 1.0])
def test_resolution_is_monais(zoom):
    monai = RandSimulateLowResolution(prob=1.0, zoom_range=(zoom, zoom))
    close(at_resolution(IMAGE, zoom), monai(IMAGE))


def test_blur_gain_and_offset_are_monais():
    close(blurred(IMAGE, (0.5, 0.8, 1.0)), GaussianSmooth(sigma=(0.5, 0.8, 1.0))(IMAGE))
    close(changed(IMAGE, Intensity(gain=0.2)), ScaleIntensity(minv=None, maxv=None, factor=0.2)(IMAGE))
    close(changed(IMAGE, Intensity(offset=-0.07)), ShiftIntensity(-0.07)(IMAGE))


def test_changes_follow_each_other_in_monais_order():
    noise = np.full(IMAGE.shape, 0.5, np.float32)
    expected = at_resolution(IMAGE, 0.6)
    expected = blurred(expected, (0.6, 0.6, 0.6)) * 1.2 + 0.05 + 0.5
    close(changed(IMAGE, Intensity(zoom=0.6, sigmas=(0.6,) * 3, gain=0.2, offset=0.05, noise=noise)), expected)
    assert changed(IMAGE, Intensity()) is IMAGE


def test_draws_have_the_probabilities_and_ranges():
    transform = RandIntensityd("image", **SETTINGS).set_random_state(0)
    drawn = [transform.draw(torch.zeros(1, 2, 2, 2)) for _ in range(4000)]
    for name, prob, low, high in [
        ("zoom", 0.25, 0.5, 1.0),
        ("sigmas", 0.2, 0.5, 1.0),
        ("gain", 0.5, -0.3, 0.3),
        ("offset", 0.5, -0.1, 0.1),
    ]:
        values = np.array([getattr(one, name) for one in drawn if getattr(one, name) is not None])
        assert len(values) / 4000 == pytest.approx(prob, abs=0.03)
        assert low <= values.min() < low + 0.02 * (high - low) and high - 0.02 * (high - low) < values.max() <= high
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.03 * (high - low))
        assert values.std() == pytest.approx((high - low) / np.sqrt(12), rel=0.05)  # uniform


def test_noise_is_normal_with_a_spread_drawn_up_to_the_largest():
    transform = RandIntensityd("image", **{**SETTINGS, "noise": [1.0, 0.1]}).set_random_state(0)
    noises = [transform.draw(torch.zeros(1, 8, 8, 8)).noise for _ in range(400)]
    spreads = np.array([noise.std() for noise in noises])
    assert spreads.max() < 0.11 and spreads.mean() == pytest.approx(0.05, abs=0.005)
    standard = np.concatenate([(noise / noise.std()).ravel() for noise in noises])
    assert standard.mean() == pytest.approx(0, abs=0.01)
    assert (standard**4).mean() == pytest.approx(3, abs=0.1)  # of a normal distribution
    assert not np.allclose(noises[0] / spreads[0], noises[1] / spreads[1])


def test_the_same_seed_gives_the_same_and_the_image_stays_untouched():
    before = IMAGE.clone()
    always = {name: [1.0, *values[1:]] for name, values in SETTINGS.items()}
    first, again, other = (
        RandIntensityd("image", **always).set_random_state(seed)({"image": IMAGE, "label": 1}) for seed in (1, 1, 2)
    )
    assert torch.equal(first["image"], again["image"]) and not torch.equal(first["image"], other["image"])
    assert first["label"] == 1 and torch.equal(IMAGE, before)
