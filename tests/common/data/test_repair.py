"""Repairs that need no resampling: what all readers read alike afterwards, and where it is read now."""

import logging

import nibabel as nib
import numpy as np
import pytest

from common.data.ambiguous import ambiguous_files, log_ambiguous
from common.data.check import check_case
from common.data.repair import repair_entries, turn_mask
from common.data.volume_file import ambiguities, open_volume, read_mask
from tests.common.odd_files import AFFINE, PAIRS, pixdim, volumes, write_pair


def drawn(entry):
    """Image, mask and affine in RAS."""
    image, label = (nib.as_closest_canonical(open_volume(entry[key])) for key in ("image", "label"))
    return np.asanyarray(image.dataobj), read_mask(label), image.affine


@pytest.mark.parametrize("name", PAIRS)
def test_a_repaired_file_is_read_alike_by_all_and_lies_where_it_was_read(name, tmp_path):
    entry = write_pair(tmp_path, name)
    mended = repair_entries([entry], [], directory=tmp_path / "repaired")
    assert bool(mended) is bool(PAIRS[name][2])
    for after in mended.values():
        assert not [sentence for key in ("image", "label") for sentence in ambiguities(after[key])]
        for old, new in zip(drawn(entry), drawn(after), strict=True):
            np.testing.assert_allclose(old, new, atol=1e-3)
        header = nib.load(after["image"]).header
        forms = header.get_sform(), header.get_qform() if header["qform_code"] else header.get_sform()
        np.testing.assert_allclose(*forms, atol=1e-2)
        assert repair_entries([entry], [], directory=tmp_path / "repaired") == mended  # and is left alone then


@pytest.mark.parametrize("turn", ["flipped", "axes swapped"])
def test_a_turned_mask_is_brought_to_the_grid_of_its_image(turn, tmp_path):
    entry, (_, mask) = write_pair(tmp_path, "plain"), volumes()
    label = nib.Nifti1Image(mask, AFFINE)
    turned = {"flipped": [[0, -1], [1, 1], [2, -1]], "axes swapped": [[1, 1], [2, 1], [0, -1]]}[turn]
    nib.save(label.as_reoriented(np.array(turned)), entry["label"])
    problems = check_case(entry)
    assert problems and all("--repair" in problem.remedy for problem in problems)
    (after,) = repair_entries([entry], problems, directory=tmp_path / "repaired").values()
    assert check_case(after) == []
    np.testing.assert_array_equal(np.asanyarray(nib.load(after["label"]).dataobj), mask)


def test_a_mask_of_other_voxels_is_left_to_the_user(tmp_path):
    entry = write_pair(tmp_path, "plain")
    nib.save(nib.Nifti1Image(volumes()[1], np.diag([0.5, 1, 1, 1]) @ AFFINE), entry["label"])
    assert turn_mask(entry, directory=tmp_path / "repaired") is None
    assert repair_entries([entry], check_case(entry), directory=tmp_path / "repaired") == {}


def test_warnings_that_differ_in_figures_alone_are_one_line(tmp_path, caplog):
    entries = []
    for size in (2.5, 2.93):
        entries.append({"case_id": str(size), "image": str(tmp_path / f"{size}.nii")})
        pixdim(volumes()[0], entries[-1]["image"], (size, 2.93, 3.0))
    with caplog.at_level(logging.WARNING):
        log_ambiguous(ambiguous_files(entries))
    (line,) = caplog.messages
    assert line.startswith("2 files") and "[2.5, 2.93, 3.0]" in line


def test_warnings_are_grouped_by_what_is_said(tmp_path, caplog):
    for name in "ab":
        (tmp_path / name).mkdir()
    entries = [write_pair(tmp_path / name, "metres") for name in "ab"]
    warnings = ambiguous_files(entries)
    assert [warning.case_id for warning in warnings] == ["metres"] * 4
    with caplog.at_level(logging.WARNING):
        log_ambiguous(warnings)
    (line,) = caplog.messages
    assert line.startswith(f"4 files, such as {entries[0]['image']}: lengths are in meters") and "--repair" in line
