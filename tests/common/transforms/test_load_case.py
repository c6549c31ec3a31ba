"""Reading a case is MONAI's transforms in their order, on files."""

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import decollate_batch, list_data_collate
from monai.transforms import Compose, Invertd, LoadImaged, Orientationd, Spacingd

from common.transforms import CentreBoundsCropd, LoadCased
from tests.common.odd_files import HU, PAIRS, write_pair

KEYS = ["image", "label"]
BOUNDS = {"A": [[0, 0.5], [0, 1], [0, 1]]}


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A body in air, stored from left to right, 60×50×40 voxels of 2×2×3 mm."""
    folder, rng = tmp_path_factory.mktemp("case"), np.random.default_rng(0)
    image, label = np.full((60, 50, 40), -1000, np.int16), np.zeros((60, 50, 40), np.uint8)
    image[10:50, 10:40, 5:35] = rng.integers(-100, 200, (40, 30, 30))
    label[20:30, 20:30, 10:20] = 1
    entry = {"centre": "A"}
    for key, array in (("image", image), ("label", label)):
        entry[key] = str(folder / f"{key}.nii.gz")
        nib.save(nib.Nifti1Image(array, np.diag([-2, 2, 3, 1])), entry[key])
    return entry


@pytest.mark.parametrize("bounds", [{}, BOUNDS])
@pytest.mark.parametrize("spacing", [None, [4, 4, 4]])
def test_it_is_the_steps_in_their_order(case, bounds, spacing):
    steps = [
        LoadImaged(KEYS, ensure_channel_first=True),
        Orientationd(KEYS, axcodes="RAS", labels=None),
        CentreBoundsCropd(KEYS, bounds),
        *([Spacingd(KEYS, pixdim=spacing, mode=["bilinear", "nearest"])] if spacing else []),
    ]
    expected = Compose(steps)(dict(case))
    found = LoadCased(KEYS, spacing=spacing, centre_bounds=bounds)(dict(case))
    for key in KEYS:
        resampled = key == "image" and spacing  # in float32, MONAI's in float64
        torch.testing.assert_close(found[key], expected[key], rtol=0, atol=3e-4 if resampled else 0)
        assert torch.equal(found[key].affine, expected[key].affine)


def test_what_is_cropped_already_stays_whole(case):
    whole = LoadCased(KEYS, centre_bounds=BOUNDS)({**case, "cropped": True})
    assert whole["image"].shape == whole["label"].shape == (1, 60, 50, 40)
    assert LoadCased(KEYS, centre_bounds=BOUNDS)(dict(case))["image"].shape == (1, 30, 50, 40)
    assert LoadCased(KEYS)({**case, "cropped": False})["image"].shape[1] < 60


@pytest.mark.parametrize("cropped", [False, True])
def test_a_prediction_comes_back_to_the_files_grid(case, cropped):
    load = LoadCased("image", spacing=[4, 4, 4], centre_bounds=BOUNDS)
    batch = list_data_collate([load({**case, "cropped": cropped})])
    batch["pred"] = batch["image"].clone()
    back = Invertd("pred", load, orig_keys="image", nearest_interp=False)(decollate_batch(batch)[0])["pred"]
    assert back.shape == (1, 60, 50, 40)
    np.testing.assert_allclose(back.affine, np.diag([-2, 2, 3, 1]))
    stored = np.asarray(nib.load(case["image"]).dataobj)
    seen = slice(None) if cropped else slice(30, None)  # the right half; x is stored from left to right
    assert np.abs(np.asarray(back)[0, seen] - stored[seen]).mean() < 60


def test_a_missing_mask_is_an_error_unless_it_may_be_missing(case):
    image_only = {key: value for key, value in case.items() if key != "label"}
    assert "label" not in LoadCased(KEYS, allow_missing_keys=True, spacing=[4, 4, 4])(dict(image_only))
    with pytest.raises(KeyError, match="label"):
        LoadCased(KEYS)(dict(image_only))


@pytest.mark.parametrize("name", PAIRS)
def test_the_hu_under_the_mask_are_the_drawn_ones(name, tmp_path):
    """However the two headers say it, and whatever MONAI's own reader makes of them."""
    out = LoadCased(KEYS, crop="none")(write_pair(tmp_path, name))
    assert out["image"].shape == out["label"].shape
    assert out["image"][out["label"] > 0].unique().tolist() == [HU]
    assert out["label"].unique().tolist() == [0, 2]
    assert (out["image"] == HU).sum() == (out["label"] == 2).sum()


@pytest.mark.parametrize("name", PAIRS)
def test_they_are_so_after_resampling(name, tmp_path):
    out = LoadCased(KEYS, spacing=[2.5, 2.5, 2.5])(write_pair(tmp_path, name))
    assert out["image"][out["label"] > 0].mean() > 0.8 * HU  # the rim is mixed with the body


def test_a_file_that_cannot_be_read_is_an_error_and_not_another_readers(tmp_path):
    entry = write_pair(tmp_path, "plain")
    nib.save(nib.Nifti1Image(np.full((40, 36, 24), 0.5, np.float32), np.eye(4)), entry["label"])
    with pytest.raises(ValueError, match=r"holds 0\.5, which is not a whole number"):
        LoadCased(KEYS)(entry)


@pytest.mark.parametrize(("values", "read"), [(None, 255), ([0, 255], 1), ([0, 5, 255], 2)])
def test_masks_come_out_as_the_classes_of_their_values(case, values, read, tmp_path):
    mask = nib.load(case["label"])
    entry = {**case, "label": str(tmp_path / "mask.nii.gz")} | ({"label_values": values} if values else {})
    nib.save(nib.Nifti1Image(np.asarray(mask.dataobj) * np.uint8(255), mask.affine), entry["label"])
    one = LoadCased(KEYS, crop="none")(dict(case))["label"]
    assert torch.equal(LoadCased(KEYS, crop="none")(entry)["label"], one * read)


def test_a_value_that_the_list_does_not_name_is_an_error(case):
    with pytest.raises(ValueError, match=r"label.nii.gz holds the values \[1\], expected only \[0, 255\]"):
        LoadCased(KEYS, crop="none")({**case, "label_values": [0, 255]})
