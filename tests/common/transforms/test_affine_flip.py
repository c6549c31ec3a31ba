"""Rotation, scaling and mirroring of patches, against MONAI's own transforms."""

import numpy as np
import pytest
import torch
from monai.transforms import Affine, RandAffined
from monai.transforms.utils import create_rotate, create_scale

from common.transforms import RandAffineFlipd
from common.transforms.affine_flip import resampled

ANGLES, SCALES = (0.2, -0.26, 0.1), (1.2, 0.8, 0.95)
SETTINGS = {"rotate_range": [0.26] * 3, "scale_range": [0.2] * 3}


def volumes(size=(14, 11, 9)):
    generator = torch.Generator().manual_seed(0)
    label = torch.randint(0, 3, (1, *size), generator=generator, dtype=torch.uint8)
    return torch.randn(1, *size, generator=generator), label


def transform(prob, flip_prob, **settings):
    return RandAffineFlipd(["image", "label"], prob=prob, flip_prob=flip_prob, **{**SETTINGS, **settings})


@pytest.mark.parametrize("size", [(14, 11, 9), (8, 8, 8), (6, 1, 5), (60, 60, 40)])  # the last in two slabs
def test_fixed_parameters_give_what_monai_gives(size):
    image, label = volumes(size)
    found = resampled(image, label, (create_rotate(3, ANGLES) @ create_scale(3, SCALES))[:3, :3])
    monai = Affine(rotate_params=ANGLES, scale_params=SCALES, padding_mode="border", image_only=True)
    torch.testing.assert_close(found[0], monai(image, mode="bilinear").as_tensor(), atol=1e-4, rtol=0)
    same = found[1] == monai(label.float(), mode="nearest").as_tensor()
    assert same.float().mean() > 0.995  # a voxel half-way between two takes one or the other
    assert found[1].dtype == torch.uint8


def test_a_quarter_turn_worked_out_by_hand():
    image, label = volumes((5, 5, 3))
    turned = resampled(image, label, create_rotate(3, (0, 0, np.pi / 2))[:3, :3])
    expected = [volume.transpose(1, 2).flip(2) for volume in (image, label)]  # (x, y) comes from (-y, x)
    torch.testing.assert_close(turned[0], expected[0], atol=1e-5, rtol=0)
    assert torch.equal(turned[1], expected[1])


def test_draws_are_monais():
    """Range and share of the parameters, and images on average as MONAI's."""
    image, label = volumes()
    ours = transform(0.5, 0.0).set_random_state(0)
    drawn = [ours.draw()[0] for _ in range(2000)]
    turns = np.array([matrix for matrix in drawn if matrix is not None])
    assert len(turns) / 2000 == pytest.approx(0.5, abs=0.04)
    lengths = np.linalg.norm(turns, axis=1)  # of the columns: the scales
    assert lengths.min() > 0.8 and lengths.max() < 1.2
    assert lengths.mean(0) == pytest.approx(np.ones(3), abs=0.02)
    monai = RandAffined(["image"], prob=0.5, mode="bilinear", padding_mode="border", **SETTINGS).set_random_state(0)
    both = [
        torch.stack([run({"image": image, "label": label})["image"].as_subclass(torch.Tensor) for _ in range(400)])
        for run in (ours, monai)
    ]
    torch.testing.assert_close(both[0].mean(0), both[1].mean(0), atol=0.25, rtol=0)
    assert both[0].std().item() == pytest.approx(both[1].std().item(), rel=0.02)


def test_the_mirror_is_that_of_the_axis_and_of_both():
    image, label = volumes()
    item = transform(0.0, 1.0, flip_axis=0)({"image": image, "label": label, "case_id": "a"})
    assert torch.equal(item["image"], image.flip(1)) and torch.equal(item["label"], label.flip(1))
    assert item["case_id"] == "a"
    flips = [transform(0.0, 0.5).set_random_state(seed).draw()[1] for seed in range(500)]
    assert np.mean(flips) == pytest.approx(0.5, abs=0.07)


def test_the_same_seed_gives_the_same_and_volumes_stay_untouched():
    image, label = volumes()
    before = image.clone()
    first, again, other = (
        transform(1.0, 0.5).set_random_state(seed)({"image": image, "label": label})["image"] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(image, before)
