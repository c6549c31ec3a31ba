"""A case on the grid of a generator: both ways there, and that all bundles' cases take the same."""

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.transforms import Compose, Resized, ResizeWithPadOrCropd, Zoomd

from common.transforms import AntialiasedResized, HUWindowd, LoadCased, MaskRanged, PrepareCased

KEYS = ["image", "label"]
SIZE = (24, 24, 12)
WINDOW = [-1024, 600]


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A body that fills a part of the scan, with a bright box that is the lesion."""
    folder, case = tmp_path_factory.mktemp("case"), {}
    image, label = np.full((80, 72, 40), -1000, np.int16), np.zeros((80, 72, 40), np.uint8)
    image[20:60, 20:52, 4:36] = -100
    image[30:40, 30:40, 10:20], label[30:40, 30:40, 10:20] = 500, 2
    for key, array in zip(KEYS, (image, label), strict=True):
        case[key] = str(folder / f"{key}.nii.gz")
        nib.save(nib.Nifti1Image(array, np.diag([2.0, 2.0, 3.0, 1.0])), case[key])
    return case


def prepare(case, keys=KEYS, **preprocessing):
    return PrepareCased(keys, preprocessing=preprocessing, image_size=SIZE, hu_window=WINDOW)(dict(case))


def test_resizing_is_load_window_resize(case):
    steps = [
        LoadCased(KEYS, spacing=[3, 3, 3]),
        HUWindowd("image", *WINDOW),
        AntialiasedResized("image", SIZE),
        Resized("label", SIZE, mode="nearest-exact"),
    ]
    expected, found = Compose(steps)(dict(case)), prepare(case, spacing=[3, 3, 3])
    for key in KEYS:
        assert torch.equal(found[key], expected[key])
    assert found["image"].shape == (1, *SIZE)
    assert found["label"].unique().tolist() == [0, 2]


def test_the_body_is_found_in_hu_before_the_window(case):
    """In [-1, 1] all voxels would pass the body's threshold, and nothing would be cropped."""
    found = prepare(case, spacing=None)
    extent = torch.tensor([40 + 8, 32 + 8, 40]) * torch.tensor([2.0, 2.0, 3.0])  # the body and its margin of 4 voxels
    torch.testing.assert_close(found["spacing"], (extent / torch.tensor(SIZE)).float())
    assert (found["image"] > -0.9).float().mean() > 0.4


def test_zooming_is_that_of_the_whole_volume_cut_or_padded_with_air(case):
    steps = [
        LoadCased(KEYS, crop="none"),
        HUWindowd("image", *WINDOW),
        Zoomd(KEYS, zoom=0.4, mode=["area", "nearest-exact"], keep_size=False),
        MaskRanged("label"),
        ResizeWithPadOrCropd(KEYS, spatial_size=SIZE, value=-1),
    ]
    expected = Compose(steps)(dict(case))
    found = prepare(case, fit="zoom", zoom=0.4, spacing=[3, 3, 3])
    assert torch.equal(found["image"], expected["image"])
    assert torch.equal(MaskRanged("label")(found)["label"], expected["label"])
    torch.testing.assert_close(found["spacing"], torch.tensor([5.0, 80 * 2 / 32, 7.5]), rtol=0.05, atol=0)


def test_a_pair_that_is_resized_as_one_is_left_on_its_voxels(case):
    found = prepare(case, spacing=[4, 4, 4], resize_pair=True)
    assert found["image"].shape == found["label"].shape != (1, *SIZE)
    torch.testing.assert_close(found["spacing"], torch.full((3,), 4.0))


def test_other_masks_than_labels_and_none(case):
    organs = prepare({"image": case["image"], "organs": case["label"]}, ["image", "organs"])
    assert organs["organs"].unique().tolist() == [0, 2]
    assert prepare({"image": case["image"]}, ["image"])["image"].shape == (1, *SIZE)
