"""HECKTOR, the thesis's data: head-and-neck CT with tumour (1) and lymph nodes (2), of several centres."""

import csv
import logging
import re
from pathlib import Path

from ..case import Case
from ..nifti_files import SUFFIXES, nifti_files
from .existing_nifti import Mode, bring_pairs, check_matched
from .nifti_pair import pair_paths

logger = logging.getLogger(__name__)
_CT = "__CT"


def prepare_hecktor(
    input_dir: str | Path, output_dir: str | Path, *, mode: Mode = "link", workers: int = 2
) -> list[Case]:
    """Bring a HECKTOR folder's CTs and labels to `images/<id>.nii.gz` and `labels/<id>.nii.gz`; PET is ignored.

    Finished ones are left alone.

    Args:
        input_dir: folder of `imagesTr/CHUM-001__CT.nii.gz` … and `labelsTr/CHUM-001.nii.gz` … (2022), of
            `CHUM001_ct.nii.gz` … and `CHUM001_gtvt.nii.gz` … there or in `hecktor_nii` (2021), or of
            `CHUM-001/CHUM-001__CT.nii.gz` … and `CHUM-001/CHUM-001.nii.gz` … (2026), there or in `Task 1` (2025);
            `.mha` and the other formats of `nifti_files` as well.
        output_dir: folder of the two folders.
        mode: absolute links, or copies; what is no `.nii.gz` is packed or converted in either.
        workers: threads.

    Returns:
        The cases by id; the centre is what stands before the last `-` of the id, or before the number (2021), without
        either the `CenterID` of the table beside the patients, or else `unknown`; the patient is the id.

    Raises:
        FileNotFoundError: there is none of these layouts.
        ValueError: a CT has no label or the other way round, there is none, or a setting is wrong.
    """
    folder, centres = Path(input_dir), dict[str, str]()
    if (root := _patients_folder(folder)) is not None:
        images, labels, centres = _by_patient(root, _CT), _by_patient(root, ""), _centres(root)
        where = ("<case>/<case>__CT.nii.gz", "<case>/<case>.nii.gz")
    elif (root := _flat_folder(folder)) is not None:
        images, labels = nifti_files(root, ending="_ct"), nifti_files(root, ending="_gtvt")
        where = ("<case>_ct.nii.gz", "<case>_gtvt.nii.gz")
        centres = {name: found[1] for name in images if (found := re.fullmatch("([A-Za-z]+)[0-9]+", name))}
    else:
        _check_folders(folder)
        images, labels = nifti_files(folder / "imagesTr", ending=_CT), nifti_files(folder / "labelsTr")
        where = ("imagesTr/<case>__CT.nii.gz", "labelsTr/<case>.nii.gz")
    check_matched(images.keys(), labels.keys(), folder=root or folder, where=where)
    cases = [
        Case(
            name,
            *pair_paths(Path(output_dir), name),
            centre=name.rpartition("-")[0] or centres.get(name, "unknown"),
            patient=name,
        )
        for name in images
    ]
    unknown = sum(case.centre == "unknown" for case in cases)
    if unknown and root is not None and (tables := sorted(root.glob("*.csv"))):
        logger.warning(
            "%d cases have no centre: no CenterID beside their PatientID, in columns with commas, in %s%s",
            *(unknown, tables[0], f" or {len(tables) - 1} more" if len(tables) > 1 else ""),
        )
    bring_pairs(cases, {name: (images[name], labels[name]) for name in images}, mode=mode, workers=workers)
    return cases


def _patients_folder(folder: Path) -> Path | None:
    """The folder that has one folder a patient, as of 2025: `folder` or its `Task 1`; None for another layout."""
    for root in (folder / "Task 1", folder):
        if root.is_dir() and any(_volume(path, _CT) for path in root.iterdir()):
            return root
    return None


def _flat_folder(folder: Path) -> Path | None:
    """The folder that has all files, as of 2021: `folder` or its `hecktor_nii`; None for another layout."""
    masks = tuple(f"_gtvt{suffix}" for suffix in SUFFIXES)
    for root in (folder / "hecktor_nii", folder):
        if root.is_dir() and any(path.name.lower().endswith(masks) for path in root.iterdir()):
            return root
    return None


def _by_patient(root: Path, ending: str) -> dict[str, Path]:
    """The volume `<name><ending>` of each patient's folder that has one, by the folder's name.

    Raises:
        ValueError: A folder has several, or the CT of another name.
    """
    found = {}
    for patient in sorted(root.iterdir()):
        if (path := _volume(patient, ending)) is not None:
            found[patient.name] = path
        elif ending == _CT and (named := _ct_of_another_name(patient)) is not None:
            raise ValueError(
                f"{patient} holds {named.name}, expected {patient.name}{_CT}{SUFFIXES[0]}: give folder and files the "
                "same name, or move the folder away"
            )
    return found


def _ct_of_another_name(patient: Path) -> Path | None:
    ends = tuple(f"{_CT}{suffix}".lower() for suffix in SUFFIXES)
    if patient.name.startswith(".") or not patient.is_dir():
        return None
    files = (path for path in sorted(patient.iterdir()) if not path.name.startswith("."))
    return next((path for path in files if path.name.lower().endswith(ends)), None)


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
            "--input, the one that holds hecktor_nii (2021), imagesTr and labelsTr (2022), Task 1 (2025), or the "
            "patients' folders (2026)"
        )
