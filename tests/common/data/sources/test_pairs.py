import gzip
import json
import logging
import os

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from common.data.sources.pairs import prepare_pairs

AFFINE = np.array([[-1.5, 0, 0, 7], [0, 1.5, 0, -8], [0, 0, 3, 9], [0, 0, 0, 1.0]])  # LAS: must come through as it is
BAD_TABLES = [  # name, content, message
    ("cases.csv", "case_id,centre\na,X\nq,Y\n", r"names 1 cases: q: no such images"),
    ("cases.csv", "case_id,centre\na,X\na,Y\n", r"names 1 cases: a more than once"),
    ("cases.csv", "case_id;centre\na;X\n", r"columns \['case_id;centre'\]: expected case_id,centre,patient"),
    ("cases.csv", "", r"columns None: expected case_id"),
    ("cases.json", '[{"case_id": "q"}]', r"names 1 cases: q: no such images"),
    ("cases.json", '{"a": "X"}', r"expected a list of objects"),
    ("cases.json", '[{"id": "a"}]', r"expected a list of objects"),
    ("cases.json", "[", r"is no JSON"),
    ("cases.json", b'[{"case_id": "a", "centre": "M\xfcnchen"}]', r"is not a text in UTF-8"),
    ("cases.csv", b"case_id,centre\na,M\xfcnchen\n", r"cases.csv is not a text in UTF-8 .*: save it as CSV UTF-8"),
    ("cases.csv", "case_id,Patient,patient\na,1,2\n", r"the columns \['Patient', 'patient'\], which all mean patient"),
    ("cases.csv", "case_id,patient_id\na,1\n", r"the column 'patient_id', expected patient or none like it: rename it"),
    ("cases.csv", "case_id,Subject\na,1\n", r"the column 'Subject', expected patient or none"),
    ("cases.csv", "case_id,pateint\na,1\n", r"the column 'pateint', expected patient or none"),
    ("cases.csv", "case_id,centre\na,X,Y\n", r"line 2 has another number of cells than the header's 2: put"),
    ("cases.csv", "case_id,centre,patient\na,X\n", r"line 2 has another number of cells than the header's 3"),
    ("cases.csv", "case_id,centre\n,X\n", r"row 1 has no case_id, expected the name of an image"),
    ("cases.json", '[{"case_id": "a", "centre": ["X"]}]', r"row 1 has centre \['X'\], expected text or a number"),
    ("cases.json", '[{"case_id": "a", "patient": true}]', r"row 1 has patient True, expected text"),
    ("cases.json", '[{"case_id": "a", "patient": NaN}]', r"row 1 has patient nan, expected text"),
]


def save(path, value, *, dtype=np.int16):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.full((4, 3, 2), value, dtype), AFFINE), path)


@pytest.fixture
def pairs(tmp_path):
    """Case a packed, case b plain."""
    folder = tmp_path / "in"
    for value, (name, suffix) in enumerate((("a", ".nii.gz"), ("b", ".nii")), 1):
        save(folder / "images" / f"{name}{suffix}", 100 * value)
        save(folder / "labels" / f"{name}{suffix}", value, dtype=np.uint8)
    return folder


def value(path):
    (only,) = np.unique(nib.load(path).dataobj).tolist()
    return only


def stamp(folder, seconds=1000):
    """Give all files and links an old time; what is written later has another."""
    for path in folder.rglob("*.nii.gz"):
        os.utime(path, (seconds, seconds), follow_symlinks=False)


def rewritten(folder, seconds=1000):
    return sorted(path.name for path in folder.rglob("*.nii.gz") if path.lstat().st_mtime != seconds)


@pytest.mark.parametrize("mode", ["link", "copy"])
def test_pairs_come_through_unchanged(pairs, tmp_path, mode):
    first, second = prepare_pairs(pairs, tmp_path / "out", mode=mode)
    assert (first.case_id, first.centre, first.patient) == ("a", "unknown", None)
    assert first.image == tmp_path / "out" / "images" / "a.nii.gz"
    assert [value(path) for path in (first.image, first.label, second.image, second.label)] == [100, 1, 200, 2]
    for case in (first, second):
        np.testing.assert_array_equal(nib.load(case.image).affine, AFFINE)
    assert (first.image.is_symlink(), second.image.is_symlink()) == (mode == "link", False)
    assert gzip.decompress(second.image.read_bytes()) == (pairs / "images" / "b.nii").read_bytes()


def test_links_are_absolute_and_lead_to_the_file_itself(pairs, tmp_path, monkeypatch):
    (tmp_path / "store").mkdir()
    (pairs / "images" / "a.nii.gz").rename(tmp_path / "store" / "4d7a21")
    (pairs / "images" / "a.nii.gz").symlink_to("../../store/4d7a21")
    monkeypatch.chdir(tmp_path)
    case = prepare_pairs("in", "out")[0]
    assert case.image.readlink() == (tmp_path / "store" / "4d7a21").resolve()
    assert value(case.image) == 100


def test_finished_links_and_files_are_left_alone(pairs, tmp_path):
    out = tmp_path / "out"
    stamp(pairs)
    for path in pairs.rglob("*.nii"):
        os.utime(path, (1000, 1000))
    for mode in ("link", "copy"):
        prepare_pairs(pairs, out, mode=mode)
        stamp(out)
        before = {path: path.lstat().st_ino for path in out.rglob("*.nii.gz")}
        prepare_pairs(pairs, out, mode=mode)
        assert rewritten(out) == []
        assert {path: path.lstat().st_ino for path in out.rglob("*.nii.gz")} == before


def test_other_links_and_changed_sources_are_replaced(pairs, tmp_path):
    out = tmp_path / "out"
    (out / "images").mkdir(parents=True)
    (out / "images" / "a.nii.gz").symlink_to(tmp_path / "gone.nii.gz")
    case, packed = prepare_pairs(pairs, out)
    assert case.image.readlink() == pairs.resolve() / "images" / "a.nii.gz"
    save(pairs / "images" / "b.nii", 777)
    os.utime(pairs / "images" / "b.nii", (2000, 2000))
    prepare_pairs(pairs, out)
    assert value(packed.image) == 777


def test_a_mode_replaces_what_the_other_left_and_never_the_source(pairs, tmp_path):
    out, source = tmp_path / "out", pairs / "images" / "a.nii.gz"
    content = source.read_bytes()
    for mode, linked in (("link", True), ("copy", False), ("link", True)):
        case = prepare_pairs(pairs, out, mode=mode)[0]
        assert case.image.is_symlink() == linked
        assert case.image.read_bytes() == source.read_bytes() == content
    assert not source.is_symlink()


@pytest.mark.parametrize("mode", ["link", "copy"])
def test_output_may_be_the_input_when_nothing_needs_packing(pairs, mode):
    with pytest.raises(
        ValueError, match=r"b\.nii would be packed beside itself: choose an output other than the input"
    ):
        prepare_pairs(pairs, pairs, mode=mode)
    for path in pairs.rglob("b.nii"):
        path.unlink()
    stamp(pairs)
    (case,) = prepare_pairs(pairs, pairs, mode=mode)
    assert not case.image.is_symlink()
    assert (value(case.image), value(case.label), rewritten(pairs)) == (100, 1, [])


def test_table_gives_centres_and_patients(pairs, tmp_path):
    (pairs / "cases.csv").write_text("\ufeffcase_id,age,centre,patient\nb,61,Lyon,p7\n", encoding="utf-8")
    a, b = prepare_pairs(pairs, tmp_path / "out")
    assert (a.centre, a.patient, b.centre, b.patient) == ("unknown", None, "Lyon", "p7")
    (pairs / "cases.csv").unlink()
    rows = [{"case_id": "a", "centre": " ", "patient": 12, "scanner": {"kV": 120}}, {"case_id": "b", "centre": None}]
    (pairs / "cases.json").write_text(json.dumps(rows))
    a, b = prepare_pairs(pairs, tmp_path / "out")
    assert (a.centre, a.patient, b.centre, b.patient) == ("unknown", "12", "unknown", None)


@pytest.mark.parametrize(("name", "content", "message"), BAD_TABLES)
def test_bad_tables_are_explained(pairs, tmp_path, name, content, message):
    (pairs / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message) as error:
        prepare_pairs(pairs, tmp_path / "out")
    assert str(pairs / name) in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        "case_id,Patient,Centre\na,p1,X\nb,p1,X\n",
        " Case ID , patient,center\n a , p1,X \nb,p1 ,X\n\n,,\n",
        'CASE_ID,PATIENT,age,Centre\r\na,"p1","6,1",X\r\nb,p1,,X\r\n',
    ],
)
def test_columns_may_be_spelt_otherwise_so_that_no_patient_is_split(pairs, tmp_path, content, caplog):
    (pairs / "cases.csv").write_bytes(content.encode())
    with caplog.at_level(logging.INFO):
        cases = prepare_pairs(pairs, tmp_path / "out")
    assert [(case.centre, case.patient) for case in cases] == [("X", "p1")] * 2
    assert "2 of 2 cases have a centre, 2 a patient" in caplog.text


def test_two_tables_are_one_too_many(pairs, tmp_path):
    (pairs / "cases.csv").write_text("case_id\n")
    (pairs / "cases.json").write_text("[]")
    with pytest.raises(ValueError, match=r"both cases\.csv and cases\.json: keep one"):
        prepare_pairs(pairs, tmp_path / "out")


@pytest.mark.parametrize("name", ["Cases.csv", "cases.xlsx", "cases.CSV"])
def test_a_table_of_nearly_the_name_is_not_passed_over(pairs, tmp_path, name):
    (pairs / name).write_text("case_id,patient\na,1\nb,1\n")
    with pytest.raises(ValueError, match=rf"{name} is not read, expected cases\.csv: save it so"):
        prepare_pairs(pairs, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_tables_of_other_names_are_told(pairs, tmp_path, caplog):
    (pairs / "centres.csv").write_text("case_id,centre\na,X\n")
    prepare_pairs(pairs, tmp_path / "out")
    assert "centres.csv is not read, and each case counts as a patient of its own" in caplog.text


def test_a_volume_that_cannot_be_taken_stops_before_anything_is_written(pairs, tmp_path):
    sitk.WriteImage(sitk.Image((4, 3, 2), sitk.sitkVectorUInt8, 3), str(pairs / "labels" / "c.mha"))
    save(pairs / "images" / "c.nii.gz", 1)
    with pytest.raises(ValueError, match=r"c\.mha holds 3 values a voxel"):
        prepare_pairs(pairs, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_files_without_a_partner_are_named(pairs, tmp_path):
    (pairs / "labels" / "a.nii.gz").rename(pairs / "labels" / "a_seg.nii.gz")
    match = (
        r"no label \(labels/<case>\.nii\.gz\) for 1 cases: a; no image \(images/<case>\.nii\.gz\) for 1 cases: a_seg"
    )
    with pytest.raises(ValueError, match=match):
        prepare_pairs(pairs, tmp_path / "out")


def test_a_name_with_both_suffixes_is_refused(pairs, tmp_path):
    save(pairs / "images" / "a.nii", 5)
    with pytest.raises(ValueError, match=r"holds both a\.nii and a\.nii\.gz: keep one"):
        prepare_pairs(pairs, tmp_path / "out")


def test_missing_folders_and_wrong_settings_are_explained(pairs, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere/images is not a folder"):
        prepare_pairs(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(ValueError, match=r"mode='move', workers=2: expected a mode of \('link', 'copy'\)"):
        prepare_pairs(pairs, tmp_path / "out", mode="move")
    with pytest.raises(ValueError, match=r"workers=0"):
        prepare_pairs(pairs, tmp_path / "out", workers=0)


@pytest.mark.openkbp
def test_the_real_folder_is_linked_whole(openkbp_dir, tmp_path):
    cases = prepare_pairs(openkbp_dir, tmp_path)
    assert len(cases) == len(json.loads((openkbp_dir / "cases.json").read_text()))
    assert {case.centre for case in cases} == {"unknown"}
    assert all(path.is_symlink() and path.exists() for case in cases for path in (case.image, case.label))
