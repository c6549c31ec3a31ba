"""Random affine and elastic deformation: worked shifts and volumes, image and mask alike."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from common.transforms import random_affine, random_elastic

STILL = {"translation": [0, 0, 0], "rotation": [0, 0, 0], "scaling": [0, 0, 0]}
SIZE = (32, 28, 24)


def item(box=(slice(10, 18), slice(8, 20), slice(9, 15)), *, air=-1.0, value=0.5):
    image, label = torch.full((1, *SIZE), air), torch.zeros(1, *SIZE)
    image[0][box], label[0][box] = value, 2
    return {"image": image, "label": label}


def smooth(seed=0):
    """A smooth image and the mask of what is above 0 in it."""
    coarse = torch.rand(1, 1, 4, 4, 4, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    image = torch.nn.functional.interpolate(coarse, SIZE, mode="trilinear")[0]
    return {"image": image, "label": (image > 0).float()}


def centroid(volume):
    return torch.nonzero(volume[0]).float().mean(0)


def deform(transform, data, seed=0):
    return transform.set_random_state(seed)(dict(data))


def test_nothing_drawn_changes_nothing():
    data = smooth()
    out = deform(random_affine(**STILL), data)
    torch.testing.assert_close(out["image"], data["image"], atol=1e-5, rtol=0)
    assert torch.equal(out["label"], data["label"])


@pytest.mark.parametrize("shift", [(3, 0, 0), (-4, 5, 0), (0, -2, 2)])
def test_whole_voxels_move_image_and_mask_by_as_much(shift):
    """MONAI moves the grid that is read, so what is shown moves the other way."""
    transform, data = random_affine(**STILL), item()
    transform.transforms[1].rand_affine.rand_affine_grid.translate_range = tuple((s, s) for s in shift)
    out = deform(transform, data)
    rolled = torch.roll(data["label"], [-s for s in shift], dims=(1, 2, 3))
    assert torch.equal(out["label"], rolled)
    torch.testing.assert_close(centroid(out["label"]), centroid(data["label"]) - torch.tensor(shift))
    torch.testing.assert_close(out["image"], torch.where(rolled > 0, 0.5, -1.0), atol=1e-5, rtol=0)


@pytest.mark.parametrize("air", [-1.0, -1024.0])
def test_what_comes_from_outside_is_air_and_background(air):
    full = {"image": torch.full((1, *SIZE), 40.0), "label": torch.ones(1, *SIZE)}
    transform = random_affine(**STILL, air=air)
    transform.transforms[1].rand_affine.rand_affine_grid.translate_range = ((6, 6), (0, 0), (0, 0))
    out = deform(transform, full)
    assert torch.allclose(out["image"][:, :-6], torch.tensor(40.0), atol=1e-3)
    assert torch.allclose(out["image"][:, -6:], torch.tensor(air), atol=1e-3)
    assert out["label"][:, :-6].all()
    assert not out["label"][:, -6:].any()


@pytest.mark.parametrize("scale", [0.85, 1.15])
def test_scaling_changes_the_volume_by_its_third_power(scale):
    data = item((slice(6, 26), slice(6, 22), slice(4, 20)))
    transform = random_affine(**STILL)
    transform.transforms[1].rand_affine.rand_affine_grid.scale_range = ((scale - 1, scale - 1),) * 3
    ratio = deform(transform, data)["label"].count_nonzero() / data["label"].count_nonzero()
    assert ratio.item() == pytest.approx(scale**-3, rel=0.1)


def test_rotation_about_z_turns_in_plane_alone_and_by_the_angle_in_degrees():
    data = item((slice(4, 28), slice(12, 16), slice(9, 15)))
    transform = random_affine(**STILL)
    transform.transforms[1].rand_affine.rand_affine_grid.rotate_range = ((0, 0), (0, 0), (np.pi / 6, np.pi / 6))
    voxels = torch.nonzero(deform(transform, data)["label"][0]).float()
    assert voxels[:, 2].unique().tolist() == list(range(9, 15))
    x, y = (voxels[:, :2] - voxels[:, :2].mean(0)).T
    angle = 0.5 * torch.atan2(2 * (x * y).mean(), (x * x).mean() - (y * y).mean())
    assert abs(angle.item()) == pytest.approx(np.pi / 6, abs=0.04)
    degrees = random_affine(translation=[0, 0, 0], rotation=[0, 0, 30], scaling=[0, 0, 0])
    assert degrees.transforms[1].rand_affine.rand_affine_grid.rotate_range[2] == pytest.approx(np.pi / 6)


@pytest.mark.parametrize(
    "transform",
    [
        random_affine(translation=[4, 4, 2], rotation=[5, 5, 45], scaling=[0.15] * 3),
        random_elastic(sigma=[3, 4], magnitude=[100, 200], **STILL),
        random_elastic(
            sigma=[3, 4], magnitude=[50, 60], translation=[4, 4, 2], rotation=[5, 5, 180], scaling=[0.15] * 3
        ),
    ],
)
def test_image_and_mask_move_alike_and_draws_follow_the_seed(transform):
    data = smooth()
    out = deform(transform, data, seed=3)
    assert not torch.allclose(out["image"], data["image"], atol=0.1)
    assert set(out["label"].unique().tolist()) <= {0, 1}
    clear = (out["image"].abs() > 0.15) & (out["image"] > -0.99)  # half a voxel from where the smooth image is 0
    assert (out["label"][clear] == (out["image"][clear] > 0)).float().mean() > 0.97
    again, other = deform(transform, data, seed=3), deform(transform, data, seed=4)
    assert torch.equal(again["image"], out["image"])
    assert not torch.equal(other["image"], out["image"])


def test_elastic_moves_by_voxels_not_by_its_magnitude():
    """σ 5 to 8 and magnitude 100 to 200 (thesis) displace by about a voxel."""
    ramp = torch.arange(48.0).reshape(1, 48, 1, 1).expand(1, 48, 48, 48).clone()
    out = deform(random_elastic(sigma=[5, 8], magnitude=[100, 200], **STILL, air=0), {"image": ramp, "label": ramp * 0})
    moved = (out["image"] - ramp)[0, 12:-12, 12:-12, 12:-12]
    assert 0.1 < moved.std() < 3


@pytest.mark.parametrize("make", [random_affine, random_elastic])
def test_the_affine_does_not_follow_the_voxels(make):
    elastic = {"sigma": [3, 4], "magnitude": [10, 20]} if make is random_elastic else {}
    data = {key: MetaTensor(value, affine=torch.diag(torch.tensor([2.0, 2, 3, 1]))) for key, value in item().items()}
    out = deform(make(translation=[3, 3, 1], rotation=[0, 0, 20], scaling=[0.1] * 3, **elastic), data)
    assert [type(out[key]) for key in ("image", "label")] == [torch.Tensor] * 2
