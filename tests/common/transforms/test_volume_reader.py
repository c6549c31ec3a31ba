"""Voxels come as they are stored, in the order that torch takes, or as float32."""

import nibabel as nib
import numpy as np
import pytest

from common.transforms.volume_reader import VolumeReader


def read(path):
    reader = VolumeReader()
    return reader.get_data(reader.read(str(path)))[0]


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize(
    ("stored", "expected"),
    [("u1", "u1"), ("i1", "i1"), ("<i2", "i2"), (">i2", "i2"), ("i4", "i4"), ("u2", "f4"), ("f4", "f4"), ("f8", "f4")],
)
def test_types(tmp_path, suffix, stored, expected):
    values = np.random.default_rng(0).integers(0, 100, (5, 6, 7))
    header = nib.Nifti1Header(endianness=">" if stored[0] == ">" else "<")
    header.set_data_dtype(stored)
    nib.save(nib.Nifti1Image(values.astype(stored), np.eye(4), header), tmp_path / f"a{suffix}")
    found = read(tmp_path / f"a{suffix}")
    assert found.dtype == np.dtype(expected) and found.flags.c_contiguous
    np.testing.assert_array_equal(found, values)


def test_scaled_values_are_float32(tmp_path):
    image = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    image.header.set_slope_inter(0.5, -1024)
    nib.save(image, tmp_path / "a.nii.gz")
    found = read(tmp_path / "a.nii.gz")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, nib.load(tmp_path / "a.nii.gz").get_fdata())
