"""Opening volume files."""

import nibabel as nib
import numpy as np
import pytest

from common.data.volume_file import open_volume


@pytest.mark.parametrize("form", [nib.Nifti1Image, nib.Nifti2Image])
def test_form_and_voxels_of_a_volume(tmp_path, form):
    nib.save(form(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.diag([2.0, 2, 3, 1])), tmp_path / "a.nii.gz")
    volume = open_volume(tmp_path / "a.nii.gz")
    assert volume.shape == (2, 3, 4)
    assert volume.affine[2, 2] == 3
    assert np.asanyarray(volume.dataobj)[1, 2, 3] == 23


def test_a_surface_is_refused(tmp_path):
    nib.save(nib.gifti.GiftiImage(), tmp_path / "a.gii")
    with pytest.raises(ValueError, match=r"a\.gii holds a GiftiImage, expected a volume"):
        open_volume(tmp_path / "a.gii")
