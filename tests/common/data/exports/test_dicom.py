"""Exported DICOM is valid, says that it is synthetic, and comes back voxel for voxel."""

import json
import shutil
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread

from common.data.cli import prepare
from common.data.exports.command import export
from tests.common.data.pair_files import PROVENANCE, entry, save_pair, write

SHAPE = (16, 18, 20)
PLACES = {
    "straight": np.diag([2.0, 2, 3, 1]),
    "dicoms own": np.diag([-0.7, -1.3, 3, 1]) + np.array([[0, 0, 0, 9.5]] * 3 + [[0] * 4]),
    "upside down": np.diag([1.0, -1, -2.5, 1]),
    "sagittal": np.array([[0, 0, 3.0, -7], [1, 0, 0, 5], [0, -1.5, 0, 40], [0, 0, 0, 1]]),
    "oblique": np.vstack(
        [np.c_[nib.eulerangles.euler2mat(0.3, 0.2, -0.1) * [0.9, 1.1, 2.5], [123.456, -234.567, 0.001]], [[0, 0, 0, 1]]]
    ),
}


def pair(seed, labels=(1, 2)):
    rng = np.random.default_rng(seed)
    image = rng.integers(-1024, 3000, SHAPE).astype(np.int16)
    label = (rng.random(SHAPE) > 0.7) * rng.choice(labels, SHAPE)  # holes, corners that touch, single voxels
    label[:, :, 3] = 0
    return image, label.astype(np.uint8)


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    """A list with a pair in each place, of the labels 0, 1 and 5."""
    folder, entries = tmp_path_factory.mktemp("real"), []
    for seed, (name, affine) in enumerate(PLACES.items()):
        image, label = pair(seed, (1, 5))
        save_pair(folder, name, image=image, label=label, affine=affine)
        entries.append(entry(name, fold=0))
    content = {"labels": {"0": "background", "1": "GTVp", "5": "lymph node"}, "training": entries}
    write(folder / "datalist.json", content)
    return folder


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    folder, entries = tmp_path_factory.mktemp("hagan"), []
    for seed in range(3):
        image, label = pair(seed)
        save_pair(folder, f"g{seed}", image=image.clip(-1024, 600), label=label * (seed < 2))
        entries.append(entry(f"g{seed}", centre="generated", fold=0))
    write(folder / "dataset.json", {"training": entries})
    made = {"bundle": {"name": "hagan_128", "version": "0.1.0"}, "checkpoint": {"sha256": "ab" * 32}}
    write(folder / "provenance.json", PROVENANCE | made)
    return folder


@pytest.fixture(scope="module")
def converted(real, tmp_path_factory):
    """What was exported of the list."""
    folder = tmp_path_factory.mktemp("converted") / "out"
    export("dicom", str(folder), dataset_dir=str(real))
    return folder


@pytest.fixture(scope="module")
def made(generated, tmp_path_factory):
    """What was exported of the generated set."""
    folder = tmp_path_factory.mktemp("made") / "out"
    export("dicom", str(folder), generated_dir=str(generated))
    return folder


def canonical(path):
    volume = nib.as_closest_canonical(nib.load(path))
    return np.asarray(volume.dataobj), volume.affine


def test_every_place_comes_back_voxel_for_voxel(real, converted, tmp_path):
    rois = {"GTVp": 1, "lymph node": 5}
    prepare("dicom", str(tmp_path), input=str(converted), rois=rois, folds=1, test_fraction=0)
    entries = json.loads((tmp_path / "datalist.json").read_text())["training"]
    assert len(entries) == len(PLACES)
    read = [(canonical(tmp_path / e["image"]), canonical(tmp_path / e["label"])) for e in entries]
    for name in PLACES:
        image, affine = canonical(real / "images" / f"{name}.nii.gz")
        label, _ = canonical(real / "labels" / f"{name}.nii.gz")
        (found,) = [each for each in read if each[0][0].shape == image.shape and (each[0][0] == image).all()]
        assert (found[1][0] == label).all()
        assert np.allclose(found[0][1], affine, atol=1e-4) and np.allclose(found[1][1], affine, atol=1e-4)


def files_of(case):
    return [dcmread(path) for path in (case / "CT" / "0001.dcm", case / "SEG.dcm", case / "RTSTRUCT.dcm")]


def test_headers_say_synthetic_wherever_there_is_room_and_name_no_patient(made):
    for data in files_of(made / "g0"):
        assert data.SyntheticData == "YES" and data.PatientIdentityRemoved == "YES"
        assert data.PatientName == "Synthetic^g0" and data.PatientID == "g0" and data.PatientBirthDate == ""
        for text in (data.SeriesDescription, data.StudyDescription, data.PatientComments):
            assert text.startswith("SYNTHETIC")
        (equipment,) = data.ContributingEquipmentSequence
        assert equipment.ContributionDescription.startswith("SYNTHETIC: drawn by the generator hagan_128 0.1.0")
        assert data.ManufacturerModelName == "hagan_128" and data.DeviceSerialNumber == "ab" * 8
    ct, seg, structures = files_of(made / "g0")
    assert ct.ImageType == ["DERIVED", "SECONDARY", "AXIAL"]
    assert ct.DerivationDescription.startswith("SYNTHETIC") and ct.ImageComments.startswith("SYNTHETIC")
    assert seg.ContentLabel == structures.StructureSetLabel == "SYNTHETIC"
    assert [item.SegmentLabel for item in seg.SegmentSequence] == ["tumour", "lymph node"]
    assert [item.ROIGenerationAlgorithm for item in structures.StructureSetROISequence] == ["AUTOMATIC"] * 2
    assert ct.StudyInstanceUID == seg.StudyInstanceUID == structures.StudyInstanceUID
    assert ct.FrameOfReferenceUID == seg.FrameOfReferenceUID


def test_converted_cases_say_that_and_nothing_of_their_files(real, converted):
    for data in files_of(converted / "oblique"):
        assert "SyntheticData" not in data and data.SeriesDescription.startswith("CONVERTED")
        assert data.PatientName == "Converted^oblique" and str(real) not in str(data)


def test_uids_are_new_for_each_case_and_the_same_in_a_second_export(generated, made, tmp_path):
    export("dicom", str(tmp_path / "again"), generated_dir=str(generated))
    folders = (made, tmp_path / "again")
    uids = [[data.SOPInstanceUID for case in ("g0", "g1") for data in files_of(out / case)] for out in folders]
    assert uids[0] == uids[1] and len(set(uids[0])) == 6
    first, second = (out / "g0" / "CT" / "0001.dcm" for out in folders)
    assert first.read_bytes() == second.read_bytes()


def test_an_empty_mask_leaves_a_ct_alone(made):
    assert [path.name for path in (made / "g2").iterdir()] == ["CT"]
    assert len(list((made / "g2" / "CT").iterdir())) == SHAPE[2]


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="needs dciodvfy (Debian's dicom3tools)")
def test_dciodvfy_finds_no_error(made, converted):
    unknown = (
        "not a recognized standard attribute - (0x0008,0x001c)"  # SyntheticData: younger than the tool's dictionary
    )
    for case in (made / "g0", converted / "oblique"):
        for path in (case / "CT" / "0003.dcm", case / "SEG.dcm", case / "RTSTRUCT.dcm"):
            said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True).stderr.splitlines()
            assert [line for line in said if line.startswith("Error") and unknown not in line] == []
            if shutil.which("dcmdump"):
                assert subprocess.run(["dcmdump", "-q", str(path)], capture_output=True).returncode == 0


def test_names_that_dicom_would_part_are_written_whole_and_fractions_are_told(tmp_path, caplog):
    image, label = pair(0)
    save_pair(tmp_path, "a=b", image=image + np.float32(0.4), label=label, affine=np.diag([1.0, 1, 3, 1]))
    content = {"labels": {"0": "background", "1": "left\\tumour", "2": "node"}}
    write(tmp_path / "datalist.json", content | {"training": [entry("a=b", fold=0, patient="p\\1")]})
    export("dicom", str(tmp_path / "out"), dataset_dir=str(tmp_path))
    assert "1 cases hold fractions of HU, which are rounded" in caplog.text
    contours, segments, slices = (
        dcmread(tmp_path / "out" / "a=b" / name) for name in ("RTSTRUCT.dcm", "SEG.dcm", "CT/0001.dcm")
    )
    assert [roi.ROIName for roi in contours.StructureSetROISequence] == ["left/tumour", "node"]
    assert [item.SegmentLabel for item in segments.SegmentSequence] == ["left/tumour", "node"]
    assert (str(slices.PatientID), str(slices.PatientName)) == ("p/1", "Converted^a b")
    write(
        tmp_path / "datalist.json",
        {"labels": {"0": "background", "1": "x" * 70, "2": "x" * 65}, **content_of(tmp_path)},
    )
    with pytest.raises(ValueError, match="expected a name each in the 64 characters of DICOM"):
        export("dicom", str(tmp_path / "more"), dataset_dir=str(tmp_path))


def content_of(folder):
    return {"training": json.loads((folder / "datalist.json").read_text())["training"]}


def test_what_dicom_cannot_say_is_refused_before_anything_is_written(real, tmp_path, monkeypatch):
    skewed = np.eye(4)
    skewed[0, 1] = 0.2
    tilted = shutil.copytree(real, tmp_path / "tilted")
    save_pair(tilted, "straight", image=pair(0)[0], label=pair(0, (1, 5))[1], affine=skewed)
    with pytest.raises(ValueError, match=r"straight\.nii\.gz has axes that are not at right angles"):
        export("dicom", str(tmp_path / "out"), dataset_dir=str(tilted))
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(RuntimeError, match=r"writing DICOM SEG needs highdicom.*requirements-clinic\.txt"):
        export("dicom", str(tmp_path / "out"), dataset_dir=str(tilted))
    assert not (tmp_path / "out").exists()
