import nibabel as nib
import numpy as np
import pytest
import torch

from common.reader_study.blinding import blinded_pair, third
from common.web.neutral_nifti import neutral_nifti

SIZE = (6, 5, 9)
FORM = {"spacing": (1, 1, 1), "hu_window": (-1024, 600)}


def entries(count, centres=("a",), prefix="case"):
    return [
        {"case_id": f"{prefix}{n}", "centre": centres[n % len(centres)], "image": f"{n}.nii", "label": f"{n}.nii"}
        for n in range(count)
    ]


def pair_of(entry):
    """A preprocessed pair whose voxels tell the case."""
    number = int(entry["case_id"].removeprefix("case").removeprefix("fake"))
    label = torch.zeros(1, *SIZE)
    label[..., 4] = 2
    return {"image": torch.full((1, *SIZE), float(number)), "label": label}


def test_neutral_files_differ_in_their_voxels_alone():
    files = [neutral_nifti(np.full(SIZE, value, np.int16), spacing=(1, 2, 3)) for value in (0, -1024)]
    assert len(files[0]) == len(files[1]) == 352 + 2 * 6 * 5 * 9
    assert files[0][:352] == files[1][:352]
    image = nib.Nifti1Image.from_bytes(files[0])
    np.testing.assert_allclose(image.affine @ [2.5, 2, 4, 1], [0, 0, 0, 1])  # the middle is the origin
    assert nib.aff2axcodes(image.affine) == ("R", "A", "S")
    assert image.header["descrip"] == b""


def test_values_are_rounded_to_whole_hu():
    """-3.6 HU with the noise of 6 HU that hides traces: 270 voxels know their mean to 0.4 HU."""
    pair = {"image": torch.full((1, *SIZE), -3.6), "label": torch.full((1, *SIZE), 0.9999)}
    image, mask = blinded_pair(pair, **FORM, layout="scroll", rng=np.random.default_rng(0))
    image, mask = nib.Nifti1Image.from_bytes(image), nib.Nifti1Image.from_bytes(mask)
    assert (image.get_data_dtype(), mask.get_data_dtype()) == (np.int16, np.uint8)
    assert np.mean(image.dataobj) == pytest.approx(-3.6, abs=1)
    assert np.unique(mask.dataobj) == [1]


@pytest.mark.parametrize(("foreground", "allowed"), [([4], [3]), ([0, 8], [0, 6]), ([], [0, 3, 6]), ([9], [0, 3, 6])])
def test_a_third_is_drawn_from_those_with_foreground(foreground, allowed):
    """Ten slices: three thirds of three, the last slice is left over."""
    mask = np.zeros((2, 2, 10))
    mask[..., foreground] = 1
    parts = {(part.start, part.stop) for seed in range(30) for part in [third(mask, np.random.default_rng(seed))]}
    assert parts == {(start, start + 3) for start in allowed}


def test_thirds_of_two_slices_are_refused():
    with pytest.raises(ValueError, match="layout to scroll"):
        third(np.zeros((2, 2, 2)), np.random.default_rng(0))


def test_an_unknown_layout_is_refused():
    with pytest.raises(ValueError, match="expected scroll or thirds"):
        blinded_pair(pair_of(entries(1)[0]), **FORM, layout="halves", rng=np.random.default_rng(0))
