"""Patches around voxels of each class, against MONAI's transform."""

from collections import Counter

import numpy as np
import pytest
import torch
from monai.transforms import RandCropByLabelClassesd

from common.transforms import RandClassPatchd

SIZE = (4, 6, 5)


def item():
    """Every voxel of the image is its number; a lesion of four voxels, two of them near the border."""
    label = torch.zeros(1, 12, 11, 9, dtype=torch.uint8)
    label[0, 0, 0, 0] = label[0, 11, 10, 8] = label[0, 5, 6, 4] = label[0, 6, 6, 4] = 1
    return {"image": torch.arange(label.numel(), dtype=torch.float32).reshape(label.shape), "label": label}


def patches(transform, draws):
    """How often each patch is drawn, by its first voxel."""
    counts = Counter()
    for seed in range(draws):
        drawn = transform.set_random_state(seed)(item())
        drawn = drawn[0] if isinstance(drawn, list) else drawn
        assert drawn["image"].shape == drawn["label"].shape == (1, *SIZE)
        counts[int(drawn["image"].flatten()[0])] += 1
    return counts


def ours(num_classes):
    return RandClassPatchd(["image", "label"], label_key="label", num_classes=num_classes, spatial_size=SIZE)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_patches_are_drawn_as_often_as_by_monai(num_classes):
    """Half of the patches lie around four voxels, so these come often: each within four standard deviations."""
    theirs = RandCropByLabelClassesd(
        ["image", "label"], label_key="label", num_classes=num_classes, spatial_size=SIZE, num_samples=1, warn=False
    )
    found, expected = patches(ours(num_classes), 1500), patches(theirs, 1500)
    assert {start for start, count in expected.items() if count > 20} <= found.keys()
    for start, count in expected.items():
        assert abs(found[start] - count) < 4 * np.sqrt(found[start] + count + 1)


def test_patches_hold_the_voxel_of_the_class_or_are_moved_inside():
    lesions = [ours(2).set_random_state(seed)(item())["label"].sum() for seed in range(300)]
    assert np.mean([int(count) > 0 for count in lesions]) > 0.5
    assert ours(2).set_random_state(0)(item())["image"].dtype == torch.float32


def test_a_mask_without_any_class_and_one_smaller_than_the_patch_are_refused():
    strange = {**item(), "label": torch.full((1, 12, 11, 9), 7)}
    with pytest.raises(ValueError, match="none of the classes 0 to 1"):
        ours(2)(strange)
    small = {key: volume[:, :3] for key, volume in item().items()}
    with pytest.raises(ValueError, match="larger than the image size"):
        ours(2)(small)


def test_an_empty_mask_gives_patches_of_background():
    empty = {**item(), "label": torch.zeros(1, 12, 11, 9, dtype=torch.uint8)}
    assert not ours(2)(empty)["label"].any()
