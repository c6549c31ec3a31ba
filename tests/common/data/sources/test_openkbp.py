import logging
import os

import nibabel as nib
import numpy as np
import pytest

from common.data.sources.openkbp import prepare_openkbp

SHAPE = (4, 3, 2)  # of the files: posterior, left, inferior
SPACING = (3.0, 4.0, 2.0)  # mm along the same axes
CT = {0: 1000.0, 6: 40.0, 9: 1999.6, 23: 5000.0, 1: -3.0}
TARGETS = {"PTV70": [9, 6], "PTV63": [9, 23], "PTV56": [0, 6]}
VOXELS = [  # index = 6 p + 2 l + i, voxel (2 - l, 3 - p, 1 - i), HU, label
    (0, (2, 3, 1), 0, 2),
    (1, (2, 3, 0), -1000, 0),
    (6, (2, 2, 1), -960, 1),
    (9, (1, 2, 0), 1000, 1),
    (23, (0, 0, 0), 3095, 2),
    (22, (0, 0, 1), -1000, 0),
]
BROKEN = [  # file, its content, the message
    ("ct", ",data\n0,1000\n24,1000\n", r"ct\.csv: index 24 is outside an array of \(4, 3, 2\)"),
    ("PTV70", ",data\n-1,\n", r"PTV70\.csv: index -1 is outside"),
    (
        "ct",
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
        r"ct\.csv: .*expected a line `,data`",
    ),
    ("voxel_dimensions", "3\n4\n", r"voxel_dimensions\.csv holds \[3\.0, 4\.0\]: expected three sizes in mm"),
    ("voxel_dimensions", "3\n4\n-2\n", r"voxel_dimensions\.csv holds \[3\.0, 4\.0, -2\.0\]"),
    ("voxel_dimensions", "three\n", r"voxel_dimensions\.csv: .*expected three numbers"),
]


def write_patient(repository, number, *, side="train", ct=CT, targets=TARGETS, spacing=SPACING):
    """A patient's files, in the form of the repository."""
    folder = repository / "provided-data" / f"{side}-pats" / f"pt_{number}"
    folder.mkdir(parents=True)
    (folder / "ct.csv").write_text(",data\n" + "".join(f"{index},{grey}\n" for index, grey in ct.items()))
    for name, indices in targets.items():
        (folder / f"{name}.csv").write_text(",data\n" + "".join(f"{index},\n" for index in indices))
    (folder / "voxel_dimensions.csv").write_text("".join(f"{size:.18e}\n" for size in spacing))
    return folder


def array(path):
    return np.asanyarray(nib.load(path).dataobj)


def test_voxels_and_affine_are_the_ones_worked_out(tmp_path):
    write_patient(tmp_path / "repo", 7)
    (case,) = prepare_openkbp(tmp_path / "repo", tmp_path / "out", shape=SHAPE)
    assert (case.case_id, case.centre, case.patient) == ("okbp_007", "unknown", "okbp_007")
    assert case.image == tmp_path / "out" / "images" / "okbp_007.nii.gz"
    image, label = array(case.image), array(case.label)
    assert (image.dtype, label.dtype, image.shape, label.shape) == (np.int16, np.uint8, (3, 4, 2), (3, 4, 2))
    for _, voxel, hu, value in VOXELS:
        assert (image[voxel], label[voxel]) == (hu, value)
    assert (image > -1000).sum() == 4
    assert np.bincount(label.ravel()).tolist() == [20, 2, 2]
    expected = [[4, 0, 0, -4], [0, 3, 0, -4.5], [0, 0, 2, -1], [0, 0, 0, 1]]
    for path in (case.image, case.label):
        np.testing.assert_allclose(nib.load(path).affine, expected)
        assert nib.aff2axcodes(nib.load(path).affine) == ("R", "A", "S")


def test_all_three_parts_are_read_in_the_order_of_the_numbers(tmp_path):
    for number, side in ((300, "test"), (2, "train"), (210, "valid"), (10, "train")):
        write_patient(tmp_path, number, side=side)
    cases = prepare_openkbp(tmp_path, tmp_path / "out", shape=SHAPE, workers=3)
    assert [case.case_id for case in cases] == ["okbp_002", "okbp_010", "okbp_210", "okbp_300"]


@pytest.mark.filterwarnings("ignore:loadtxt")
def test_patients_without_a_target_are_left_out_and_named(tmp_path, caplog):
    write_patient(tmp_path, 1, targets={"PTV56": [5]})
    write_patient(tmp_path, 2, targets={})
    write_patient(tmp_path, 3, targets={"PTV70": []})
    with caplog.at_level(logging.WARNING):
        (case,) = prepare_openkbp(tmp_path, tmp_path / "out", shape=SHAPE)
    assert np.bincount(array(case.label).ravel()).tolist() == [23, 0, 1]
    assert "2 patients without a target left out: okbp_002, okbp_003" in caplog.text
    assert len(list((tmp_path / "out").rglob("*.nii.gz"))) == 2


def test_no_patient_with_a_target_is_an_error(tmp_path):
    write_patient(tmp_path, 2, targets={})
    with pytest.raises(ValueError, match=r"none of 1 patients has a file of \['PTV56', 'PTV63', 'PTV70'\]"):
        prepare_openkbp(tmp_path, tmp_path / "out", shape=SHAPE)


def test_finished_pairs_are_left_alone_and_changed_ones_made_again(tmp_path):
    folder = write_patient(tmp_path, 1)
    write_patient(tmp_path, 2)
    first, second = prepare_openkbp(tmp_path, tmp_path / "out", shape=SHAPE)
    for path in (first.image, first.label, second.image, second.label):
        os.utime(path, (1000, 1000))
    (folder / "ct.csv").write_text(",data\n0,1100\n")
    prepare_openkbp(tmp_path, tmp_path / "out", shape=SHAPE)
    assert array(first.image)[2, 3, 1] == 100
    assert first.image.stat().st_mtime > 1000
    assert second.image.stat().st_mtime == second.label.stat().st_mtime == 1000


@pytest.mark.parametrize(("name", "content", "message"), BROKEN)
def test_broken_files_are_explained(tmp_path, name, content, message):
    folder = write_patient(tmp_path, 1)
    (folder / f"{name}.csv").write_text(content)
    with pytest.raises(ValueError, match=message) as error:
        prepare_openkbp(tmp_path, tmp_path / "out", shape=SHAPE)
    assert str(folder) in str(error.value)
    assert "git checkout" in str(error.value)


@pytest.mark.parametrize("name", ["ct", "voxel_dimensions"])
def test_missing_files_are_named(tmp_path, name):
    (write_patient(tmp_path, 1) / f"{name}.csv").unlink()
    with pytest.raises(
        FileNotFoundError, match=rf"pt_1/{name}\.csv is missing: check that the repository was cloned whole"
    ):
        prepare_openkbp(tmp_path, tmp_path / "out", shape=SHAPE)


def test_another_folder_and_wrong_settings_are_explained(tmp_path):
    (tmp_path / "provided-data" / "train-pats" / "pt_notes").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"holds no provided-data/\*-pats/pt_\*: give a clone of"):
        prepare_openkbp(tmp_path, tmp_path / "out")
    with pytest.raises(ValueError, match="workers=0"):
        prepare_openkbp(tmp_path, tmp_path / "out", workers=0)


@pytest.mark.openkbp
def test_a_real_pair_comes_back_from_sparse_files(openkbp_dir, tmp_path):
    """Turned by nibabel to the axes of the repository, an implementation other than the source's."""
    image, label = (nib.load(openkbp_dir / part / "okbp_001.nii.gz") for part in ("images", "labels"))
    turn = nib.orientations.ornt_transform(nib.io_orientation(image.affine), nib.orientations.axcodes2ornt("PLI"))
    hu, target = (np.asanyarray(volume.as_reoriented(turn).dataobj).ravel() for volume in (image, label))
    body = np.flatnonzero(hu > -1000)
    write_patient(
        tmp_path,
        1,
        ct=dict(zip(body.tolist(), (hu[body] + 1000.0).tolist(), strict=True)),
        targets={"PTV70": np.flatnonzero(target == 1), "PTV63": np.flatnonzero(target > 0)},
        spacing=np.array(image.as_reoriented(turn).header.get_zooms()),
    )
    (case,) = prepare_openkbp(tmp_path, tmp_path / "out")
    np.testing.assert_array_equal(array(case.image), np.asanyarray(image.dataobj))
    np.testing.assert_array_equal(array(case.label), np.asanyarray(label.dataobj))
    np.testing.assert_allclose(nib.load(case.image).affine[:3, :3], image.affine[:3, :3], rtol=1e-6)
    np.testing.assert_allclose(nib.load(case.image).affine @ [63.5, 63.5, 63.5, 1], [0, 0, 0, 1], atol=1e-4)
