"""One reading of files that other readers take differently, and what is said of them."""

import nibabel as nib
import numpy as np
import pytest

from common.data.check import check_case
from common.data.volume_file import ambiguities, mask_like, open_volume, read_mask, whole_numbers
from tests.common.odd_files import AFFINE, HU, LESION, PAIRS, SHAPE, volumes, write_pair


@pytest.mark.parametrize("name", PAIRS)
def test_voxels_labels_and_mm_are_those_that_were_drawn(name, tmp_path):
    entry = write_pair(tmp_path, name)
    image, mask = (open_volume(entry[key]) for key in ("image", "label"))
    assert image.shape == mask.shape == SHAPE
    assert (np.asanyarray(image.dataobj)[LESION] == HU).all()
    np.testing.assert_array_equal(read_mask(mask), volumes()[1])
    np.testing.assert_allclose(image.affine, mask.affine, atol=1e-3)
    if name not in ("no codes", "tilted sform, nominal pixdim"):
        np.testing.assert_allclose(image.affine, AFFINE, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("name", PAIRS)
def test_what_readers_take_differently_is_said_once_by_name(name, tmp_path):
    entry = write_pair(tmp_path, name)
    found = [sentence for key in ("image", "label") for sentence in ambiguities(entry[key])]
    expected = PAIRS[name][2]
    assert all(any(word in sentence for sentence in found) for word in expected), found
    assert bool(found) is bool(expected), found


@pytest.mark.parametrize("name", PAIRS)
def test_the_check_takes_every_one_of_them(name, tmp_path):
    assert check_case(write_pair(tmp_path, name)) == []


@pytest.mark.parametrize("name", PAIRS)
def test_a_mask_repeats_the_geometry_of_its_image(name, tmp_path):
    entry = write_pair(tmp_path, name)
    nib.save(mask_like(volumes()[1], entry["image"]), tmp_path / "mask.nii.gz")
    source, mask = nib.load(entry["image"]), nib.load(tmp_path / "mask.nii.gz")
    for field in ("pixdim", "sform_code", "qform_code", "srow_x", "srow_y", "srow_z", "quatern_b", "qoffset_x"):
        np.testing.assert_allclose(mask.header[field], source.header[field], err_msg=field)
    assert mask.header.get_xyzt_units() == source.header.get_xyzt_units()
    np.testing.assert_array_equal(mask.affine, source.affine)
    assert mask.header["descrip"].item() == b""


def test_numbers_that_are_not_whole_are_refused_with_the_value():
    np.testing.assert_array_equal(whole_numbers(np.array([1.0000153, 1.9999999998, 0])), [1, 2, 0])
    with pytest.raises(ValueError, match=r"seg.nii holds 0.5, which is not a whole number"):
        whole_numbers(np.array([0, 0.5, 1]), path="seg.nii")
    with pytest.raises(ValueError, match="nan"):
        whole_numbers(np.array([0, np.nan]))
