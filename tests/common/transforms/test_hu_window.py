import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from common.transforms import HUWindow, HUWindowd

WINDOWS = [(-1024, 600), (-1024, 1200), (-2048, 3071), (0, 1)]

# low, high, HU, expected by the thesis's eq. 12
VALUES = [
    (-1024, 600, -1024, -1.0),
    (-1024, 600, 600, 1.0),
    (-1024, 600, -212, 0.0),
    (-1024, 600, 0, 1024 / 812 - 1),
    (-2048, 3071, 511.5, 0.0),
    (-1024, 600, 3000, 1.0),
    (-1024, 600, -3000, -1.0),
]


@pytest.mark.parametrize(("low", "high", "hu", "expected"), VALUES)
def test_worked_values(low, high, hu, expected):
    out = HUWindow(low, high)(torch.full((1, 2, 2, 2), float(hu)))
    torch.testing.assert_close(torch.as_tensor(out), torch.full((1, 2, 2, 2), expected))


@pytest.mark.parametrize(("low", "high"), WINDOWS)
def test_equals_numpy_interp(low, high):
    hu = np.random.default_rng(0).uniform(low, high, (1, 5, 6, 7)).astype(np.float32)
    np.testing.assert_allclose(HUWindow(low, high)(hu), np.interp(hu, [low, high], [-1, 1]), atol=1e-6)


@pytest.mark.parametrize(("low", "high"), WINDOWS)
@pytest.mark.parametrize("dtype", [torch.int16, torch.int32, torch.float32])
def test_integers_inside_survive_the_round_trip(low, high, dtype):
    window = HUWindow(low, high)
    hu = torch.arange(low, high + 1).to(dtype)
    assert torch.equal(torch.as_tensor(window.inverse(window(hu))).round().to(dtype), hu)


def test_inverse_is_the_thesis_formula_without_a_trace():
    generated = torch.rand(2, 1, 3, 4, 5) * 2 - 1
    expected = (0.5 * generated + 0.5) * (600 - -1024) + -1024
    torch.testing.assert_close(torch.as_tensor(HUWindow().inverse(generated)), expected)


def test_without_clip_goes_beyond():
    window = HUWindow(0, 100, clip=False)
    out = window(torch.tensor([150.0]))
    assert out.item() == 2
    assert window.inverse(out).item() == 150


def test_extreme_int16_does_not_overflow():
    assert HUWindow(-2048, 3071)(torch.tensor([32767, -32768], dtype=torch.int16)).tolist() == [1, -1]


@pytest.mark.parametrize(("low", "high"), [(600, -1024), (5, 5)])
def test_empty_window_is_refused(low, high):
    with pytest.raises(ValueError, match=f"low={low}, high={high}"):
        HUWindow(low, high)


def test_dictionary_keeps_geometry_and_other_keys():
    image = MetaTensor(torch.zeros(1, 2, 2, 2), affine=torch.diag(torch.tensor([1.5, 1.5, 3, 1])))
    data = {"image": image, "label": torch.ones(1), "case_id": "a"}
    chain = Compose([HUWindowd("image")])
    out = chain(data)
    assert out["case_id"] == "a"
    assert out["label"] is data["label"]
    assert torch.equal(out["image"].affine, image.affine)
    assert torch.equal(chain.inverse(out)["image"].round(), image)
    assert torch.equal(data["image"], image)


def test_dictionary_missing_key():
    assert HUWindowd("image", allow_missing_keys=True).inverse({"x": 1}) == {"x": 1}
    with pytest.raises(KeyError):
        HUWindowd("image")({"x": 1})
