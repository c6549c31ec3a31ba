"""HECKTOR, the thesis's data: head-and-neck CT with tumour (1) and lymph nodes (2), of several centres."""

import csv
from pathlib import Path

from ..case import Case
from ..nifti_files import SUFFIXES, nifti_files
from .existing_nifti import Mode, bring_pairs, check_matched
from .nifti_pair import pair_paths

_CT = "__CT"


def prepare_hecktor(
    input_dir: str | Path, output_dir: str | Path, *, mode: Mode = "link", workers: int = 2
) -> list[Case]:
    """Bring a HECKTOR folder's CTs and labels to `images/<id>.nii.gz` and `labels/<id>.nii.gz`; PET is ignored.

    Finished ones are left alone.

    Args:
        input_dir: folder of `imagesTr/CHUM-001__CT.nii.gz` … and `labelsTr/CHUM-001.nii.gz` … (2022), or of
            `CHUM-001/CHUM-001__CT.nii.gz` … and `CHUM-001/CHUM-001.nii.gz` … (2026), there or in `Task 1` (2025);
            `.mha` and the other formats of `nifti_files` as well.
        output_dir: folder of the two folders.
        mode: absolute links, or copies; what is no `.nii.gz` is packed or converted in either.
        workers: threads.

    Returns:
        The cases by id; the centre is what stands before the last `-` of the id (without one the `CenterID` of the
        table beside the patients, or else `unknown`), the patient the id.

    Raises:
        FileNotFoundError: there is none of these layouts.
        ValueError: a CT has no label or the other way round, there is none, or a setting is wrong.
    """
    folder = Path(input_dir)
    if (root := _patients_folder(folder)) is not None:
        images, labels = _by_patient(root, _CT), _by_patient(root, "")
        where = ("<case>/<case>__CT.nii.gz", "<case>/<case>.nii.gz")
    else:
        _check_folders(folder)
        images, labels = nifti_files(folder / "imagesTr", ending=_CT), nifti_files(folder / "labelsTr")
        where = ("imagesTr/<case>__CT.nii.gz", "labelsTr/<case>.nii.gz")
    check_matched(images.keys(), labels.keys(), folder=root or folder, where=where)
    centres = _centres(root) if root is not None else {}
    cases = [
        Case(
            name,
            *pair_paths(Path(output_dir), name),
            centre=name.rpartition("-")[0] or centres.get(name, "unknown"),
            patient=name,
        )
        for name in images
    ]
    bring_pairs(cases, {name: (images[name], labels[name]) for name in images}, mode=mode, workers=workers)
    return cases


def _patients_folder(folder: Path) -> Path | None:
    """The folder that has one folder a patient, as of 2025: `folder` or its `Task 1`; None for another layout."""
    for root in (folder / "Task 1", folder):
        if root.is_dir() and any(_volume(path, _CT) for path in root.iterdir()):
            return root
    return None


def _by_patient(root: Path, ending: str) -> dict[str, Path]:
    """The volume `<name><ending>` of each patient's folder that has one, by the folder's name."""
    found = {path.name: _volume(path, ending) for path in sorted(root.iterdir())}
    return {name: path for name, path in found.items() if path is not None}


def _volume(patient: Path, ending: str) -> Path | None:
    """A patient's volume.

    Raises:
        ValueError: It stands with several suffixes.
    """
    if patient.name.startswith(".") or not patient.is_dir():
        return None
    files = [path for suffix in SUFFIXES if (path := patient / f"{patient.name}{ending}{suffix}").is_file()]
    if len(files) > 1:
        raise ValueError(f"{patient} holds both {files[0].name} and {files[1].name}: keep one of them")
    return files[0] if files else None


def _centres(root: Path) -> dict[str, str]:
    """`CenterID` by `PatientID`, of the tables beside the patients' folders that have both columns."""
    centres = {}
    for path in sorted(root.glob("*.csv")):
        try:
            rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path} is no table in UTF-8 ({error}): save it as CSV UTF-8, or move it away") from error
        for row in rows:
            if (name := (row.get("PatientID") or "").strip()) and (centre := (row.get("CenterID") or "").strip()):
                centres[name] = f"centre {centre}"
    return centres


def _check_folders(folder: Path) -> None:
    missing = [name for name in ("imagesTr", "labelsTr") if not (folder / name).is_dir()]
    if missing:
        found = sorted(path.name for path in folder.iterdir())[:10] if folder.is_dir() else "no such folder"
        raise FileNotFoundError(
            f"{folder} lacks {' and '.join(missing)} (found: {found}): give the unpacked HECKTOR training folder as "
            "--input, the one that holds imagesTr and labelsTr (2022), Task 1 (2025), or the patients' folders (2026)"
        )
