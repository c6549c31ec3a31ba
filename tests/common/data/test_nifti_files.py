"""Which files of a folder are taken as volumes, and what is said of the others."""

import nibabel as nib
import numpy as np
import pytest

from common.data.nifti_files import image_cases, nifti_files
from common.data.sources.hecktor import prepare_hecktor
from common.data.sources.pairs import prepare_pairs

OTHERS = ("a.nii.zst", "a.img", "a.HDR", "a.nhdr", "a.mhd", "a.dcm")


def save(path, shape=(4, 3, 2)):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.ones(shape, np.int16), np.eye(4)), path)


def test_names_come_before_the_suffix_whatever_its_case(tmp_path):
    for name in ("case 01.v2.nii", "case_0000.nii.gz", "Schädel-1.NII.GZ", "b.Nii"):
        save(tmp_path / name)
    cases = image_cases(tmp_path)
    assert [case["case_id"] for case in cases] == ["Schädel-1", "b", "case 01.v2", "case_0000"]
    assert cases[0]["image"] == str(tmp_path / "Schädel-1.NII.GZ")


def test_companions_of_files_are_no_images(tmp_path):
    save(tmp_path / "a.nii.gz")
    (tmp_path / "._a.nii.gz").write_bytes(b"\0\5\26\7Mac OS X")
    (tmp_path / "a.nii.gz.txt").write_text("x")
    (tmp_path / "a.nii.json").write_text("{}")
    (tmp_path / "notes").mkdir()
    assert image_cases(tmp_path) == [{"case_id": "a", "image": str(tmp_path / "a.nii.gz")}]


def test_one_file_is_taken_and_a_fourth_axis_of_one(tmp_path):
    save(tmp_path / "a.nii", (4, 3, 2, 1))
    assert image_cases(tmp_path / "a.nii") == [{"case_id": "a", "image": str(tmp_path / "a.nii")}]
    (tmp_path / "a.txt").touch()
    with pytest.raises(ValueError, match=r"a\.txt does not end with \.nii\.gz, \.nii, .*\.mha: convert it.*--images"):
        image_cases(tmp_path / "a.txt")


@pytest.mark.parametrize("second", ["a.nii", "a.NII.GZ"])
def test_one_name_twice_is_refused(tmp_path, second):
    save(tmp_path / "a.nii.gz")
    save(tmp_path / second)
    with pytest.raises(ValueError, match=r"holds both a\.\S+ and a\.\S+: keep one"):
        image_cases(tmp_path)


def test_nothing_is_an_error_that_names_what_there_is(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no .*nowhere: expected a folder.*--images"):
        image_cases(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"--images is empty"):
        image_cases("")
    with pytest.raises(FileNotFoundError, match=r"holds no image, found nothing: expected files that end"):
        image_cases(tmp_path)
    (tmp_path / "a.txt").touch()
    (tmp_path / "p1").mkdir()
    with pytest.raises(FileNotFoundError, match=r"holds no image, found a\.txt, p1/: expected"):
        image_cases(tmp_path)


@pytest.mark.parametrize("beside", [True, False])
def test_subfolders_are_named_but_a_runs_own_output_is_not_looked_at(tmp_path, beside):
    save(tmp_path / "p1" / "a.nii.gz")
    if beside:
        save(tmp_path / "b.nii.gz")
    with pytest.raises(ValueError, match=r"volumes in subfolders, p1/a\.nii\.gz: .*name a subfolder with --images"):
        image_cases(tmp_path)
    if beside:
        assert [case["case_id"] for case in image_cases(tmp_path, ignored=tmp_path / "p1")] == ["b"]


@pytest.mark.parametrize("other", OTHERS)
def test_volumes_of_other_formats_are_named_not_dropped(tmp_path, other):
    save(tmp_path / "b.nii.gz")
    (tmp_path / other).touch()
    with pytest.raises(ValueError, match=rf"holds {other}: only .*\.nii, .*\.mha are read; convert these"):
        image_cases(tmp_path)


def test_what_is_no_volume_is_refused_by_its_header(tmp_path):
    save(tmp_path / "a.nii.gz", (4, 3, 2, 2))
    with pytest.raises(ValueError, match=r"a\.nii\.gz has the shape \(4, 3, 2, 2\), expected one 3-D volume"):
        image_cases(tmp_path)
    for content in (b"", b"no image"):
        (tmp_path / "a.nii.gz").write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.nii\.gz cannot be read .*copy it again"):
            image_cases(tmp_path)
    (tmp_path / "a.nii.gz").unlink()
    (tmp_path / "a.nii.gz").symlink_to("gone")
    with pytest.raises(FileNotFoundError, match=r"a\.nii\.gz is a link to a file that is not there"):
        image_cases(tmp_path)


def test_an_ending_chooses_among_the_files(tmp_path):
    for name in ("c__CT.nii.gz", "c__PT.nii.gz", "d__CT.NII.GZ"):
        save(tmp_path / name)
    (tmp_path / "c__PT.nrrd").touch()
    assert list(nifti_files(tmp_path, ending="__CT")) == ["c", "d"]


@pytest.mark.parametrize("mode", ["link", "copy"])
@pytest.mark.parametrize("source", ["pairs", "hecktor"])
def test_prepare_takes_suffixes_in_capitals(tmp_path, source, mode):
    folder = tmp_path / "in"
    if source == "pairs":
        names, prepare = ("images/a-1.NII.GZ", "labels/a-1.nii.gz", "images/b-1.nii", "labels/b-1.NII"), prepare_pairs
    else:
        names = ("imagesTr/a-1__CT.NII.GZ", "labelsTr/a-1.nii.gz", "imagesTr/b-1__CT.nii", "labelsTr/b-1.NII")
        prepare = prepare_hecktor
    for name in names:
        save(folder / name)
    cases = prepare(folder, tmp_path / "out", mode=mode)
    assert [case.case_id for case in cases] == ["a-1", "b-1"]
    for path in (path for case in cases for path in (case.image, case.label)):
        assert np.asarray(nib.load(path).dataobj).sum() == 24


def test_prepare_names_what_it_would_drop(tmp_path):
    for folder in ("images", "labels"):
        save(tmp_path / folder / "a.nii.gz")
    (tmp_path / "images" / "b.nii.zst").touch()
    with pytest.raises(ValueError, match=r"images holds b\.nii\.zst: only"):
        prepare_pairs(tmp_path, tmp_path / "out")
    (tmp_path / "images" / "b.nii.zst").unlink()
    save(tmp_path / "labels" / "p1" / "b.nii.gz")
    with pytest.raises(ValueError, match=r"labels holds volumes in subfolders, p1/b\.nii\.gz.*with --input"):
        prepare_pairs(tmp_path, tmp_path / "out")


def test_nnunets_number_of_the_channel_is_no_part_of_the_name(tmp_path):
    for name in ("a_0000.nii.gz", "b_0000.nii"):
        save(tmp_path / name)
    assert [case["case_id"] for case in image_cases(tmp_path)] == ["a", "b"]
    save(tmp_path / "b_0001.nii")
    with pytest.raises(ValueError, match=r"holds b_0001: only the channel _0000 is read, which must be the CT"):
        image_cases(tmp_path)
    save(tmp_path / "c.nii")  # not all are named so: then it is a name like any other
    assert "b_0001" in {case["case_id"] for case in image_cases(tmp_path)}
