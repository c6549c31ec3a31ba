"""A clinic's folder becomes pairs under pseudonyms; each fault has a name; nothing of a patient is in any output."""

import json
import logging
import re
import shutil

import nibabel as nib
import numpy as np
import pytest
from pydicom.uid import MRImageStorage, PositronEmissionTomographyImageStorage, generate_uid

from common.data.cases import BadCasesError
from common.data.cli import main, prepare
from tests.common.data.dicom.dicom_files import (
    PATIENT,
    block,
    block_mask,
    box,
    ct_slices,
    hu_of,
    identifiers_of,
    said_in,
    save_ct,
    save_rtstruct,
    save_seg,
    save_slices,
)

ROIS = {"GTVp.*": 1, "GTVn.*": 2}
NODE = {"GTVn left": [(k, box(20.6, 5.6, 24.4, 8.4)) for k in (8, 9)]}


def patient(number):
    return {**PATIENT, "PatientID": f"MRN00{number}", "PatientName": f"DOE^NUMBER{number}"}


@pytest.fixture(scope="module")
def files_of_clinic(tmp_path_factory):
    """Three patients in folders of their names: RTSTRUCT, SEG, and RTSTRUCT among MR, PET, a scout and notes."""
    folder = tmp_path_factory.mktemp("clinic") / "archive"
    one = save_ct(folder / "DOE^NUMBER1" / "study" / "CT", patient=patient(1), hu=hu_of(seed=1))
    save_rtstruct(folder / "DOE^NUMBER1" / "study" / "RS.MRN001", one, {**block((5, 6)), **NODE, "Body": []})
    two = save_ct(folder / "DOE^NUMBER2", patient=patient(2), hu=hu_of(seed=2))
    save_seg(folder / "DOE^NUMBER2" / "seg", two, {"GTVp": block_mask((5, 7))})
    three = ct_slices(patient=patient(3), hu=hu_of(seed=3))
    frame = three[0].FrameOfReferenceUID
    mr = ct_slices(patient=patient(3), sop_class=MRImageStorage, modality="MR", frame=frame)
    pet = ct_slices(patient=patient(3), sop_class=PositronEmissionTomographyImageStorage, modality="PT", frame=frame)
    later = ct_slices(patient=patient(3), frame=frame)  # a second CT in the frame of reference, which nobody drew on
    save_slices([*three[::2], *mr, *later, *three[1::2], *pet], folder / "mixed" / "deep" / "er")
    save_rtstruct(folder / "mixed" / "rs1", three, block((5, 6, 7)))
    save_rtstruct(folder / "mixed" / "rs2", mr, block((5, 6, 7)))
    (folder / "mixed" / "notes.txt").write_text("of Jane")
    return folder


@pytest.fixture
def clinic(files_of_clinic, tmp_path):
    """A copy of them, to be changed."""
    return shutil.copytree(files_of_clinic, tmp_path / "archive")


def run(folder, **options):
    out = folder.parent / "out"
    prepare("dicom", str(out), **{"input": str(folder), "rois": ROIS, "folds": 1, "test_fraction": 0.4} | options)
    return out, json.loads((out / "datalist.json").read_text())


def test_each_drawn_series_is_a_pair_of_its_voxels(clinic):
    out, content = run(clinic)
    entries = [*content["training"], *content["testing"]]
    assert len(entries) == len({entry["patient"] for entry in entries}) == 3
    assert content["labels"] == {"0": "background", "1": "GTVp.*", "2": "GTVn.*"}
    wanted = {seed: hu_of(seed=seed).transpose(2, 1, 0) for seed in (1, 2, 3)}
    labels = {seed: block_mask(k).astype(np.uint8) for seed, k in ((1, (5, 6)), (2, (5, 7)), (3, (5, 6, 7)))}
    labels[1][8:10, 6:9, 21:25] = 2
    for entry in entries:
        assert re.fullmatch("p[0-9a-f]{10}-[0-9a-f]{6}", entry["case_id"])
        image, label = nib.load(out / entry["image"]), nib.load(out / entry["label"])
        seed = next(seed for seed, hu in wanted.items() if (image.dataobj == hu).all())
        assert (np.asarray(label.dataobj) == labels.pop(seed).transpose(2, 1, 0)).all()
        for volume in (image, label):  # left to right and back to front: DICOM's axes and NIfTI's
            assert volume.affine.tolist() == [[-1, 0, 0, 20], [0, -1, 0, 30], [0, 0, 3, 5], [0, 0, 0, 1]]
        assert (image.get_data_dtype(), label.get_data_dtype()) == (np.int16, np.uint8)
    assert not labels


def test_a_second_run_writes_nothing_and_another_key_gives_other_names(clinic):
    out, content = run(clinic)
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.nii.gz")}
    assert run(clinic)[1] == content
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.nii.gz")} == times
    key = clinic.parent / "archive.key"
    assert key.stat().st_mode & 0o777 == 0o600
    (clinic.parent / "out").rename(clinic.parent / "first")
    ids = {entry["case_id"] for entry in run(clinic, key=str(clinic.parent / "another.key"))[1]["training"]}
    assert not ids & {entry["case_id"] for entry in content["training"]}


def test_nothing_of_a_patient_is_in_any_output(clinic, caplog, capsys):
    save_ct(clinic / "bad", patient=patient(4))
    bad = ct_slices(patient=patient(5))
    save_slices(bad[:9] + bad[10:], clinic / "DOE^NUMBER5")
    save_rtstruct(clinic / "DOE^NUMBER5" / "rs", bad, block((5, 6), name="GTVp of DOE^NUMBER5"))
    (clinic / "DOE^NUMBER6").mkdir()
    (clinic / "DOE^NUMBER6" / "MRN006.dcm").write_bytes(b"no DICOM")
    with caplog.at_level(logging.INFO):
        out, content = run(clinic, on_bad_case="skip")
    identifiers = identifiers_of(clinic)
    assert {"MRN001", "DOE^NUMBER1", "DOE^NUMBER5", "Saint Elsewhere", "19510203"} <= identifiers
    files = [path for path in out.rglob("*") if path.is_file()]
    assert len(files) > 8 and (out / "left_out.json") in files
    assert not said_in(out, identifiers)
    left_out = json.loads((out / "left_out.json").read_text())
    assert sorted(row["kind"] for row in left_out) == ["missing slices", "unreadable file"]
    assert "MRN006.dcm" in caplog.text  # the terminal names the file
    assert len(content["training"]) + len(content["testing"]) == 3
    main(["prepare", "--source", "dicom", "--input", str(clinic), "--output", "out", "--list"])
    table = capsys.readouterr().out
    told = {"PatientID", "PatientName", "AccessionNumber", "InstitutionName", "StudyDescription"}
    assert not [PATIENT[key] for key in told if PATIENT[key] in table]


def test_the_list_shows_series_structures_and_what_is_not_read(clinic, capsys):
    main(["prepare", "--source", "dicom", "--input", str(clinic), "--output", "out", "--list", "--rois", str(ROIS)])
    table = capsys.readouterr().out
    rows = [re.split(r"  +", line) for line in table.splitlines()]
    series = sorted(row[2:] for row in rows if re.fullmatch("p[0-9a-f]{10}", row[0]))
    drawn = ("RTSTRUCT 1 structures", "RTSTRUCT 2 structures", "SEG 1 structures", "nothing")
    assert series == [["20", "1 × 1 × 3", text] for text in drawn]
    assert ["GTVp", "3", "1"] in rows and ["GTVn left", "1", "2"] in rows
    assert ["MR", "20"] in rows and ["PT", "20"] in rows and ["RTSTRUCT or SEG of these", "1"] in rows
    assert not (clinic.parent / "out").exists()


def other_reference(folder, _):
    strange = ct_slices(patient=patient(1))
    save_rtstruct(folder / "rs", strange, block((5, 6)))


def no_reference(folder, slices):
    second = ct_slices(patient=patient(1), frame=slices[0].FrameOfReferenceUID)
    save_slices(second, folder / "second")
    save_rtstruct(folder / "rs", slices, block((5, 6)), refer=False)


def other_frame(folder, _):
    slices = ct_slices(patient=patient(1))
    save_slices(slices, folder / "more")
    for data in slices:
        data.FrameOfReferenceUID = generate_uid()
    save_rtstruct(folder / "rs", slices, block((5, 6)))


def other_patient(folder, slices):
    save_rtstruct(folder / "rs", slices, block((5, 6)), PatientID="MRN002")


def two_sets(folder, slices):
    save_rtstruct(folder / "rs1", slices, block((5, 6)))
    save_rtstruct(folder / "rs2", slices, block((5, 6, 7)))


def two_series(folder, slices):
    second = save_slices(ct_slices(patient=patient(1), frame=slices[0].FrameOfReferenceUID), folder / "second")
    save_rtstruct(folder / "rs", [*slices[:10], *second[10:]], block((9, 10)))


FAULTS = [
    (other_reference, "structures of another series"),
    (no_reference, "several series in one frame of reference"),
    (other_frame, "another frame of reference"),
    (other_patient, "structures of another patient"),
    (two_sets, "several structure sets"),
    (two_series, "structures of several series"),
    (lambda folder, s: save_rtstruct(folder / "rs", s, block((5, 6), name="Heart")), "no such structure"),
    (lambda folder, s: save_rtstruct(folder / "rs", s, block((5.5, 6.5))), "contours between slices"),
    (lambda folder, _: (folder / "x.dcm").write_bytes((folder / "000.dcm").read_bytes()[:900]), "unreadable file"),
    (lambda folder, _: (folder / "x.dcm").write_bytes((folder / "000.dcm").read_bytes()[:-90]), "unreadable file"),
]


@pytest.mark.parametrize("spoil,kind", FAULTS, ids=[kind for _, kind in FAULTS])
def test_a_fault_stops_before_anything_is_written_or_is_left_out_by_name(tmp_path, spoil, kind):
    folder = tmp_path / "archive"
    good = save_ct(folder / "good", patient=patient(9), hu=hu_of(seed=9))
    save_rtstruct(folder / "good" / "rs", good, block((5, 6)))
    spoil(folder / "bad", save_ct(folder / "bad", patient=patient(1)))
    with pytest.raises(BadCasesError, match=rf"(?s)1 faults, 1 good cases:.*\n\S+( case)?  +{kind} "):
        run(folder)
    assert not (tmp_path / "out").exists()
    out, content = run(folder, on_bad_case="skip", test_fraction=0)
    assert len(content["training"]) == 1
    assert [row["kind"] for row in json.loads((out / "left_out.json").read_text())] == [kind]


def test_a_set_that_names_no_series_goes_to_the_only_one_of_its_frame(tmp_path):
    slices = save_ct(tmp_path / "archive")
    save_rtstruct(tmp_path / "archive" / "rs", slices, block((5, 6)), refer=False)
    prepare("dicom", str(tmp_path / "out"), input=str(tmp_path / "archive"), rois=ROIS, folds=1, test_fraction=0)


def test_studies_without_a_patient_id_and_gaps_of_a_structure_are_told(tmp_path, caplog):
    slices = save_ct(tmp_path / "archive", patient={**PATIENT, "PatientID": ""})
    save_rtstruct(tmp_path / "archive" / "rs", slices, block((4, 5, 7, 8)))
    run(tmp_path / "archive", test_fraction=0)
    assert "1 studies say no patient id" in caplog.text
    assert caplog.text.count("label 1 leaves out 1 single slices between drawn ones") == 1


def test_faults_are_told_where_they_leave_nothing_to_choose_from(tmp_path):
    slices = save_ct(tmp_path / "archive")
    save_rtstruct(tmp_path / "archive" / "rs", slices, block((5, 6)), PatientID="ANOTHER")
    message = r"(?s)drawn on the CT series are none, and 1 files are not taken:.*structures of another patient"
    for on_bad_case in ("error", "skip"):
        with pytest.raises(BadCasesError, match=message):
            run(tmp_path / "archive", on_bad_case=on_bad_case)
    (tmp_path / "archive" / "rs").unlink()
    with pytest.raises(ValueError, match="nothing is drawn on the 1 CT series: 0 RTSTRUCT"):
        run(tmp_path / "archive")
    assert not (tmp_path / "out").exists()


def test_files_that_agree_are_one(tmp_path):
    slices = save_ct(tmp_path / "archive")
    save_rtstruct(tmp_path / "archive" / "rs", slices, block((5, 6)))
    save_seg(tmp_path / "archive" / "seg", slices, {"GTVp": block_mask((5, 6))})
    prepare("dicom", str(tmp_path / "out"), input=str(tmp_path / "archive"), rois=ROIS, folds=1, test_fraction=0)


def test_labels_that_two_files_draw_are_joined_and_told(tmp_path, caplog):
    slices = save_ct(tmp_path / "archive")
    save_rtstruct(tmp_path / "archive" / "rs1", slices, block((5, 6)))
    save_rtstruct(tmp_path / "archive" / "rs2", slices, {"GTVn": [(8, box(5.6, 13.6, 9.4, 17.4))]})
    with caplog.at_level(logging.INFO):
        prepare("dicom", str(tmp_path / "out"), input=str(tmp_path / "archive"), rois=ROIS, folds=1, test_fraction=0)
    label = np.asarray(nib.load(next((tmp_path / "out" / "labels").iterdir())).dataobj)
    assert set(np.unique(label)) == {0, 1, 2}
    told = next(text for text in caplog.messages if "several files draw its labels" in text)
    assert "rs1" in told and "rs2" in told


def test_what_overlaps_belongs_to_the_earlier_pattern(tmp_path):
    slices = save_ct(tmp_path / "archive")
    node = {"GTVn": [(k, box(5.6, 13.6, 9.4, 17.4)) for k in (5, 6)]}
    save_rtstruct(tmp_path / "archive" / "rs", slices, {**node, **block((5, 6))})
    prepare("dicom", str(tmp_path / "out"), input=str(tmp_path / "archive"), rois=ROIS, folds=1, test_fraction=0)
    label = np.asarray(nib.load(next((tmp_path / "out" / "labels").iterdir())).dataobj)
    assert label[4:11, 14, 5].tolist() == [1, 1, 1, 2, 2, 2, 0]


@pytest.mark.parametrize(
    "more,message",
    [
        ([], r"--rois is missing: drawn on the CT series are 'GTVp', 'GTVn left'"),
        (["--rois", "{'Heart':1}"], r"--rois \{'Heart': 1\} matches no structure: drawn on"),
        (["--rois", "{'GTV(':1}"], r"--rois is \{'GTV\(': 1\}, expected names or patterns"),
        (["--key", "out/the.key", "--rois", "{'GTVp':1}"], r"--key .*the\.key lies in --output .*, expected another"),
        (["--key", "archive", "--rois", "{'GTVp':1}"], r"archive has the mode"),
        (["--mode", "copy"], r"--mode is 'copy', but --source dicom has --rois, --key, --list"),
    ],
)
def test_wrong_options_end_in_one_line(clinic, monkeypatch, more, message):
    monkeypatch.chdir(clinic.parent)
    with pytest.raises(SystemExit, match=rf"error: {message}"):
        main(["prepare", "--source", "dicom", "--input", "archive", "--output", "out", *more])
    assert not (clinic.parent / "out").exists()


def test_folders_without_dicom_are_told(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    for folder, message in ((tmp_path, "holds no DICOM file among its 1"), (tmp_path / "no", "is not a folder")):
        with pytest.raises(SystemExit, match=message):
            main(["prepare", "--source", "dicom", "--input", str(folder), "--output", "out", "--list"])
