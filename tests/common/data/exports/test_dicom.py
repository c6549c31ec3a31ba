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


@pytest.fixture
def real(tmp_path):
    """A list with a pair in each place, of the labels 0, 1 and 5."""
    folder, entries = tmp_path / "real", []
    for seed, (name, affine) in enumerate(PLACES.items()):
        image, label = pair(seed, (1, 5))
        save_pair(folder, name, image=image, label=label, affine=affine)
        entries.append(entry(name, fold=0))
    content = {"labels": {"0": "background", "1": "GTVp", "5": "lymph node"}, "training": entries}
    write(folder / "datalist.json", content)
    return folder


@pytest.fixture
def generated(tmp_path):
    folder, entries = tmp_path / "hagan", []
    for seed in range(3):
        image, label = pair(seed)
        save_pair(folder, f"g{seed}", image=image.clip(-1024, 600), label=label * (seed < 2))
        entries.append(entry(f"g{seed}", centre="generated", fold=0))
    write(folder / "dataset.json", {"training": entries})
    made = {"bundle": {"name": "hagan_128", "version": "0.1.0"}, "checkpoint": {"sha256": "ab" * 32}}
    write(folder / "provenance.json", PROVENANCE | made)
    return folder


def canonical(path):
    volume = nib.as_closest_canonical(nib.load(path))
    return np.asarray(volume.dataobj), volume.affine


def test_every_place_comes_back_voxel_for_voxel(real, tmp_path):
    out, back = tmp_path / "out", tmp_path / "back"
    export("dicom", str(out), dataset_dir=str(real))
    rois = {"GTVp": 1, "lymph node": 5}
    prepare("dicom", str(back), input=str(out), rois=rois, folds=1, test_fraction=0)
    entries = json.loads((back / "datalist.json").read_text())["training"]
    assert len(entries) == len(PLACES)
    made = [(canonical(back / e["image"]), canonical(back / e["label"])) for e in entries]
    for name in PLACES:
        image, affine = canonical(real / "images" / f"{name}.nii.gz")
        label, _ = canonical(real / "labels" / f"{name}.nii.gz")
        (found,) = [each for each in made if each[0][0].shape == image.shape and (each[0][0] == image).all()]
        assert (found[1][0] == label).all()
        assert np.allclose(found[0][1], affine, atol=1e-4) and np.allclose(found[1][1], affine, atol=1e-4)


def files_of(case):
    return [dcmread(path) for path in (case / "CT" / "0001.dcm", case / "SEG.dcm", case / "RTSTRUCT.dcm")]


def test_headers_say_synthetic_wherever_there_is_room_and_name_no_patient(generated, tmp_path):
    export("dicom", str(tmp_path / "out"), generated_dir=str(generated))
    for data in files_of(tmp_path / "out" / "g0"):
        assert data.SyntheticData == "YES" and data.PatientIdentityRemoved == "YES"
        assert data.PatientName == "Synthetic^g0" and data.PatientID == "g0" and data.PatientBirthDate == ""
        for text in (data.SeriesDescription, data.StudyDescription, data.PatientComments):
            assert text.startswith("SYNTHETIC")
        (equipment,) = data.ContributingEquipmentSequence
        assert equipment.ContributionDescription.startswith("SYNTHETIC: drawn by the generator hagan_128 0.1.0")
        assert data.ManufacturerModelName == "hagan_128" and data.DeviceSerialNumber == "ab" * 8
    ct, seg, structures = files_of(tmp_path / "out" / "g0")
    assert ct.ImageType == ["DERIVED", "SECONDARY", "AXIAL"]
    assert ct.DerivationDescription.startswith("SYNTHETIC") and ct.ImageComments.startswith("SYNTHETIC")
    assert seg.ContentLabel == structures.StructureSetLabel == "SYNTHETIC"
    assert [item.SegmentLabel for item in seg.SegmentSequence] == ["tumour", "lymph node"]
    assert [item.ROIGenerationAlgorithm for item in structures.StructureSetROISequence] == ["AUTOMATIC"] * 2
    assert ct.StudyInstanceUID == seg.StudyInstanceUID == structures.StudyInstanceUID
    assert ct.FrameOfReferenceUID == seg.FrameOfReferenceUID


def test_converted_cases_say_that_and_nothing_of_their_files(real, tmp_path):
    export("dicom", str(tmp_path / "out"), dataset_dir=str(real))
    for data in files_of(tmp_path / "out" / "oblique"):
        assert "SyntheticData" not in data and data.SeriesDescription.startswith("CONVERTED")
        assert data.PatientName == "Converted^oblique" and str(real) not in str(data)


def test_uids_are_new_for_each_case_and_the_same_in_a_second_export(generated, tmp_path):
    for name in ("first", "second"):
        export("dicom", str(tmp_path / name), generated_dir=str(generated))
    uids = [
        [data.SOPInstanceUID for case in ("g0", "g1") for data in files_of(tmp_path / name / case)]
        for name in ("first", "second")
    ]
    assert uids[0] == uids[1] and len(set(uids[0])) == 6
    first, second = (tmp_path / name / "g0" / "CT" / "0001.dcm" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_an_empty_mask_leaves_a_ct_alone(generated, tmp_path):
    export("dicom", str(tmp_path / "out"), generated_dir=str(generated))
    assert [path.name for path in (tmp_path / "out" / "g2").iterdir()] == ["CT"]
    assert len(list((tmp_path / "out" / "g2" / "CT").iterdir())) == SHAPE[2]


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="needs dciodvfy (Debian's dicom3tools)")
def test_dciodvfy_finds_no_error(generated, real, tmp_path):
    export("dicom", str(tmp_path / "made"), generated_dir=str(generated))
    export("dicom", str(tmp_path / "converted"), dataset_dir=str(real))
    unknown = (
        "not a recognized standard attribute - (0x0008,0x001c)"  # SyntheticData: younger than the tool's dictionary
    )
    for case in (tmp_path / "made" / "g0", tmp_path / "converted" / "oblique"):
        for path in (case / "CT" / "0003.dcm", case / "SEG.dcm", case / "RTSTRUCT.dcm"):
            said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True).stderr.splitlines()
            assert [line for line in said if line.startswith("Error") and unknown not in line] == []
            if shutil.which("dcmdump"):
                assert subprocess.run(["dcmdump", "-q", str(path)], capture_output=True).returncode == 0


def test_what_dicom_cannot_say_is_refused_before_anything_is_written(real, tmp_path, monkeypatch):
    skewed = np.eye(4)
    skewed[0, 1] = 0.2
    save_pair(real, "straight", image=pair(0)[0], label=pair(0, (1, 5))[1], affine=skewed)
    with pytest.raises(ValueError, match=r"straight\.nii\.gz has axes that are not at right angles"):
        export("dicom", str(tmp_path / "out"), dataset_dir=str(real))
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(RuntimeError, match=r"writing DICOM SEG needs highdicom.*requirements-clinic\.txt"):
        export("dicom", str(tmp_path / "out"), dataset_dir=str(real))
    assert not (tmp_path / "out").exists()
