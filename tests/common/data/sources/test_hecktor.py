import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from common.data.sources.hecktor import prepare_hecktor

CENTRES = [  # case, centre
    ("CHUM-001", "CHUM"),
    ("CHUP-017", "CHUP"),
    ("CHUS-100", "CHUS"),
    ("CHUV-052", "CHUV"),
    ("HGJ-011", "HGJ"),
    ("HMR-005", "HMR"),
    ("MDA-198", "MDA"),
    ("NEW-SITE-007", "NEW-SITE"),
    ("nameless", "unknown"),
]
NAMES = [name for name, _ in CENTRES]


@pytest.fixture
def hecktor(tmp_path):
    """A HECKTOR folder: a CT and a label of its own for each case, and the PET beside it."""
    folder = tmp_path / "hecktor2022"
    for place in ("imagesTr", "labelsTr"):
        (folder / place).mkdir(parents=True)
    for number, name in enumerate(NAMES):
        image = np.full((4, 3, 2), 10 * number, np.int16)
        label = np.full((4, 3, 2), number % 3, np.uint8)
        nib.save(nib.Nifti1Image(image, np.eye(4)), folder / "imagesTr" / f"{name}__CT.nii.gz")
        nib.save(nib.Nifti1Image(image - 999, np.eye(4)), folder / "imagesTr" / f"{name}__PT.nii.gz")
        nib.save(nib.Nifti1Image(label, np.eye(4)), folder / "labelsTr" / f"{name}.nii.gz")
    return folder


def values(path):
    return set(np.unique(nib.load(path).dataobj).tolist())


@pytest.mark.parametrize("mode", ["link", "copy"])
def test_each_case_gets_its_ct_its_label_and_its_centre(hecktor, tmp_path, mode):
    cases = prepare_hecktor(hecktor, tmp_path / "out", mode=mode)
    assert {case.case_id: case.centre for case in cases} == dict(CENTRES)
    assert [case.case_id for case in cases] == sorted(NAMES)
    for case in cases:
        number = NAMES.index(case.case_id)
        assert case.patient == case.case_id
        assert case.image == tmp_path / "out" / "images" / f"{case.case_id}.nii.gz"
        assert case.label == tmp_path / "out" / "labels" / f"{case.case_id}.nii.gz"
        assert (values(case.image), values(case.label)) == ({10 * number}, {number % 3})
        assert case.image.is_symlink() == case.label.is_symlink() == (mode == "link")
    assert len(list((tmp_path / "out").rglob("*.nii.gz"))) == 2 * len(NAMES)  # no PET


def test_what_is_no_ct_is_ignored(hecktor, tmp_path):
    (hecktor / "imagesTr" / "._CHUM-001__CT.nii.gz").write_bytes(b"of a Mac")
    (hecktor / "imagesTr" / "CHUM-002__PT.nii.gz").write_bytes(b"PET of a case without CT")
    (hecktor / "labelsTr" / "notes.txt").write_text("notes")
    assert len(prepare_hecktor(hecktor, tmp_path / "out")) == len(NAMES)


def test_missing_labels_are_named(hecktor, tmp_path):
    (hecktor / "labelsTr" / "MDA-198.nii.gz").unlink()
    with pytest.raises(
        ValueError, match=r"no label \(labelsTr/<case>.nii.gz\) for 1 cases: MDA-198: add what is missing"
    ):
        prepare_hecktor(hecktor, tmp_path / "out")
    for name in NAMES[:6]:
        (hecktor / "imagesTr" / f"{name}__CT.nii.gz").unlink()
    with pytest.raises(
        ValueError, match=r"MDA-198; no image \(imagesTr/<case>__CT.nii.gz\) for 6 cases: CHUM-001, CHUP"
    ):
        prepare_hecktor(hecktor, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_of_many_missing_labels_ten_are_named(hecktor, tmp_path):
    for number in range(12):
        (hecktor / "imagesTr" / f"AAA-{number:03d}__CT.nii.gz").touch()
    with pytest.raises(ValueError, match=r"for 12 cases: AAA-000, (AAA-00\d, ){8}AAA-009, …: add"):
        prepare_hecktor(hecktor, tmp_path / "out")


def test_another_folder_is_explained(hecktor, tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"lacks imagesTr and labelsTr \(found: \['hecktor2022'\]\): give the unp"
    ):
        prepare_hecktor(hecktor.parent, tmp_path / "out")
    with pytest.raises(FileNotFoundError, match=r"lacks imagesTr and labelsTr \(found: no such folder\)"):
        prepare_hecktor(tmp_path / "nowhere", tmp_path / "out")
    (hecktor / "labelsTr").rename(hecktor / "labels")
    with pytest.raises(FileNotFoundError, match=r"lacks labelsTr \(found: \['imagesTr', 'labels'\]\)"):
        prepare_hecktor(hecktor, tmp_path / "out")


def test_a_folder_of_pet_only_holds_no_pair(tmp_path):
    for place in ("imagesTr", "labelsTr"):
        (tmp_path / place).mkdir()
    (tmp_path / "imagesTr" / "CHUM-001__PT.nii.gz").touch()
    with pytest.raises(ValueError, match=r"holds no pair: expected imagesTr/<case>__CT\.nii\.gz and labelsTr/<case>"):
        prepare_hecktor(tmp_path, tmp_path / "out")


def save_patient(folder, name, number, suffix=".nii.gz"):
    (folder / name).mkdir(parents=True)
    image = np.full((4, 3, 2), 10 * number, np.int16)
    volumes = {"__CT": image, "__PT": image - 999, "__CTPlanning": image, "": np.full((4, 3, 2), number % 3, np.uint8)}
    for ending, values in volumes.items():
        path = folder / name / f"{name}{ending}{suffix}"
        if suffix == ".mha":
            sitk.WriteImage(sitk.GetImageFromArray(values.T), str(path))
        else:
            nib.save(nib.Nifti1Image(values, np.eye(4)), path)


@pytest.mark.parametrize("place", ["Task 1", ""])
@pytest.mark.parametrize("suffix", [".nii.gz", ".mha"])
def test_folders_of_patients_as_of_2025_and_2026(tmp_path, place, suffix):
    folder = tmp_path / "hecktor" / place
    for number, name in enumerate(("CHUM-001", "USZ-010", "nameless", "unlisted")):
        save_patient(folder, name, number, suffix)
    (folder / "CHUM-001" / "._CHUM-001__CT.nii.gz").write_bytes(b"of a Mac")
    (folder / "HECKTOR_Training_Task_1.csv").write_text("PatientID,CenterID,Age\nCHUM-001,3,60\nnameless,7,61\n")
    if place:
        save_patient(tmp_path / "hecktor" / "Task 2", "MDA-001", 5)
    cases = prepare_hecktor(tmp_path / "hecktor", tmp_path / "out")
    assert {case.case_id: case.centre for case in cases} == {
        **{"CHUM-001": "CHUM", "USZ-010": "USZ", "nameless": "centre 7", "unlisted": "unknown"}
    }
    for number, case in enumerate(cases):
        assert (values(case.image), values(case.label)) == ({10 * number}, {number % 3})
        assert case.image.is_symlink() == (suffix == ".nii.gz")


def test_patients_without_a_label_and_doubled_files_are_named(tmp_path):
    for name in ("CHUM-001", "CHUM-002"):
        save_patient(tmp_path / "in", name, 1)
    (tmp_path / "in" / "CHUM-002" / "CHUM-002.nii.gz").rename(tmp_path / "in" / "CHUM-002" / "x.nii.gz")
    with pytest.raises(ValueError, match=r"no label \(<case>/<case>\.nii\.gz\) for 1 cases: CHUM-002: add"):
        prepare_hecktor(tmp_path / "in", tmp_path / "out")
    (tmp_path / "in" / "CHUM-001" / "CHUM-001__CT.mha").touch()
    with pytest.raises(ValueError, match=r"holds both CHUM-001__CT\.nii\.gz and CHUM-001__CT\.mha: keep one"):
        prepare_hecktor(tmp_path / "in", tmp_path / "out")


@pytest.mark.parametrize(
    "old,new", [("CHUM-001", "CHUM-001 (copy)"), ("CHUM-001/CHUM-001__CT", "CHUM-001/CHUM-001__ct")]
)
def test_a_ct_of_another_name_than_its_folder_is_not_left_out_in_silence(tmp_path, old, new):
    for name in ("CHUM-001", "CHUM-002"):
        save_patient(tmp_path, name, 1)
    suffix = ".nii.gz" if "__" in old else ""
    (tmp_path / f"{old}{suffix}").rename(tmp_path / f"{new}{suffix}")
    with pytest.raises(
        ValueError, match=r"holds CHUM-001__\w\w\.nii\.gz, expected CHUM-001.*__CT\.nii\.gz: give folder"
    ):
        prepare_hecktor(tmp_path, tmp_path / "out")


def test_a_table_that_names_no_centre_is_told(tmp_path, caplog):
    save_patient(tmp_path, "nameless", 1)
    (tmp_path / "table.csv").write_text("PatientID;CenterID\nnameless;7\n")
    assert [case.centre for case in prepare_hecktor(tmp_path, tmp_path / "out")] == ["unknown"]
    assert "1 cases have no centre: no CenterID beside their PatientID, in columns with commas" in caplog.text


@pytest.mark.parametrize("place", ["hecktor_nii", ""])
def test_the_flat_folder_of_2021(tmp_path, place):
    for number, name in enumerate(("CHGJ007", "CHUM001")):
        for ending, value in (("_ct", 10 + number), ("_pt", 99), ("_gtvt", number)):
            path = tmp_path / "in" / place / f"{name}{ending}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(np.full((4, 3, 2), value, np.int16), np.eye(4)), path)
    cases = prepare_hecktor(tmp_path / "in", tmp_path / "out")
    assert [(case.case_id, case.centre) for case in cases] == [("CHGJ007", "CHGJ"), ("CHUM001", "CHUM")]
    assert [(values(case.image), values(case.label)) for case in cases] == [({10}, {0}), ({11}, {1})]
