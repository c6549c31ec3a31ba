"""Segmentations of 3D Slicer on a part of their image's grid."""

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from common.data.slicer_extent import whole_segmentation
from common.data.sources.pairs import prepare_pairs

SIZE = (8, 7, 6)
TURNED = (0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def save(path, values, *, corner=(0, 0, 0), spacing=(0.7, 1.3, 3.0), off=0.0):
    """Write (x, y, z) values whose first voxel is that at `corner` of the whole grid, in a turned frame."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = sitk.Image(SIZE, sitk.sitkUInt8)
    whole.SetSpacing(spacing)
    whole.SetOrigin((10.0, -20.0, 30.0))
    whole.SetDirection(TURNED)
    image = sitk.GetImageFromArray(np.ascontiguousarray(values.transpose(2, 1, 0)))
    image.SetSpacing(spacing)
    image.SetDirection(TURNED)
    image.SetOrigin(whole.TransformContinuousIndexToPhysicalPoint([place + off for place in map(float, corner)]))
    image.SetMetaData("Segment0_Name", "tumour")
    sitk.WriteImage(image, str(path))
    return path


@pytest.fixture
def image(tmp_path):
    return save(tmp_path / "images" / "a.nrrd", np.arange(np.prod(SIZE)).reshape(SIZE).astype(np.int16))


PART = np.arange(1, 25, dtype=np.uint8).reshape(2, 3, 4) % 3


def test_a_part_is_put_into_the_whole(tmp_path, image):
    save(tmp_path / "labels" / "a.seg.nrrd", PART, corner=(3, 2, 1))
    expected = np.zeros(SIZE, np.uint8)
    expected[3:5, 2:5, 1:5] = PART
    (case,) = prepare_pairs(tmp_path, tmp_path / "out")
    label, brought = nib.load(case.label), nib.load(case.image)
    np.testing.assert_array_equal(label.get_fdata(), expected)
    np.testing.assert_allclose(label.affine, brought.affine, atol=1e-5)
    assert whole_segmentation(tmp_path / "labels" / "a.seg.nrrd", image).get_data_dtype() == np.uint8


def test_what_is_empty_may_reach_beyond_the_image(tmp_path, image):
    values = np.zeros((10, 4, 4), np.uint8)
    values[2, 1, 1] = 1
    mask = whole_segmentation(save(tmp_path / "a.seg.nrrd", values, corner=(-1, 0, 0)), image)
    assert mask.shape == SIZE
    assert np.argwhere(mask.get_fdata()).tolist() == [[1, 1, 1]]


@pytest.mark.parametrize(
    "wrong",
    [{"off": 0.4}, {"spacing": (0.7, 1.3, 2.0)}, {"corner": (7, 0, 0)}, {"corner": (20, 0, 0)}],
    ids=["between voxels", "another spacing", "beyond the image", "apart from it"],
)
def test_what_does_not_fit_is_left_for_the_check_to_refuse(tmp_path, image, wrong):
    mask = whole_segmentation(save(tmp_path / "a.seg.nrrd", PART + 1, **wrong), image)
    assert mask.shape == PART.shape


def test_other_masks_are_left_alone(tmp_path, image):
    assert whole_segmentation(save(tmp_path / "a.nrrd", PART, corner=(3, 2, 1)), image).shape == PART.shape
