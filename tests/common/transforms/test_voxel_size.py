"""Voxel sizes that are drawn."""

import pytest
import torch

from common.transforms import RandVoxelSized

SIZE = (32, 28, 24)


def deform(transform, data, seed=0):
    return transform.set_random_state(seed)(dict(data))


@pytest.mark.parametrize(("voxel_size", "cells"), [(2.0, (16, 14, 12)), (4.0, (8, 7, 6)), (1.0, SIZE), (0.5, SIZE)])
def test_coarser_voxels_lose_detail_and_finer_ones_nothing(voxel_size, cells):
    image = torch.rand(1, *SIZE, generator=torch.Generator().manual_seed(0))
    data = {"image": image, "label": (image > 0.5).float(), "spacing": torch.ones(3)}
    out = RandVoxelSized(["image", "label"], [voxel_size], mode=["trilinear", "nearest-exact"])(data)
    assert out["image"].shape == out["label"].shape == (1, *SIZE)
    if cells == SIZE:
        torch.testing.assert_close(torch.as_tensor(out["image"]), image)
        assert torch.equal(out["label"], data["label"])
        return
    assert out["image"].std() < 0.7 * image.std()
    assert set(out["label"].unique().tolist()) == {0, 1}
    factor = round(voxel_size)
    blocks = out["label"][0].unfold(0, factor, factor).unfold(1, factor, factor).unfold(2, factor, factor)
    assert blocks.shape[:3] == cells
    assert (blocks.flatten(3).std(-1) == 0).all()  # each coarse voxel holds one label


def test_axes_that_are_coarser_already_stay():
    image = torch.rand(1, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    out = RandVoxelSized("image", [2.0])({"image": image, "spacing": torch.tensor([4.0, 4.0, 4.0])})
    torch.testing.assert_close(torch.as_tensor(out["image"]), image)


def test_voxel_sizes_are_drawn_by_the_seed_and_prob_0_leaves_all():
    image = torch.rand(1, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    data = {"image": image, "spacing": torch.ones(3)}
    transform = RandVoxelSized("image", [1, 2, 3, 4])
    draws = [torch.as_tensor(deform(transform, data, seed=seed)["image"]).std().item() for seed in range(8)]
    assert len(set(draws)) > 2
    assert draws == [torch.as_tensor(deform(transform, data, seed=seed)["image"]).std().item() for seed in range(8)]
    assert RandVoxelSized("image", [4], prob=0)(data)["image"] is image


@pytest.mark.parametrize("sizes", [[], [0, 1], [-1]])
def test_impossible_voxel_sizes_are_refused(sizes):
    with pytest.raises(ValueError, match="millimetres above 0"):
        RandVoxelSized("image", sizes)
