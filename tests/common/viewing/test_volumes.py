from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from common.viewing.volumes import ShownVolumes


def opened(files):
    return {part: nib.Nifti1Image.from_bytes(content) for part, content in files.items()}


def test_generated_volumes_are_shown_as_they_are(cases, generated):
    shown = opened(ShownVolumes(generated).files(cases[0]))
    for part, volume in shown.items():
        stored = nib.load(cases[0].entry[part])
        np.testing.assert_array_equal(volume.get_fdata(), stored.get_fdata())
        assert volume.header.get_zooms() == (2, 2, 3)


def test_real_volumes_are_prepared_as_for_the_training_or_not(cases, generated):
    """24×24×18 at 2×2×3 mm, resampled to 4×4×6 mm, then resized to the set's grid."""
    real = cases[2]
    prepared = opened(ShownVolumes(generated).files(real))
    plain = opened(ShownVolumes(generated, prepared=False).files(real))
    assert prepared["image"].shape == plain["image"].shape == (24, 24, 18)
    stored = nib.load(real.entry["image"]).get_fdata()
    np.testing.assert_array_equal(plain["image"].get_fdata(), stored)
    assert np.abs(prepared["image"].get_fdata() - stored).max() > 100  # edges are blurred
    assert set(np.unique(prepared["label"].dataobj)) == set(np.unique(plain["label"].dataobj))


def test_six_cases_are_kept(cases, generated):
    volumes = ShownVolumes(generated)
    reads = []
    volumes._read = lambda case: reads.append(case.case_id) or {"image": b""}
    for place in (0, 0, 1, 2, 3, 4, 0):
        volumes.files(cases[place])
    assert reads == ["g0", "g1", "r0", "r1", "r2"]


def test_a_file_that_cannot_be_read_is_an_error(cases, generated):
    Path(cases[0].entry["image"]).write_bytes(b"no volume")
    with pytest.raises(Exception, match="image"):
        ShownVolumes(generated).files(cases[0])
