"""HECKTOR 2022, the thesis's data: head-and-neck CT with tumour (1) and lymph nodes (2), of several centres."""

from pathlib import Path

from ..case import Case
from ..nifti_files import nifti_files
from .existing_nifti import Mode, bring_pairs, check_matched
from .nifti_pair import pair_paths


def prepare_hecktor(
    input_dir: str | Path, output_dir: str | Path, *, mode: Mode = "link", workers: int = 2
) -> list[Case]:
    """Bring a HECKTOR folder's CTs and labels to `images/<id>.nii.gz` and `labels/<id>.nii.gz`; PET is ignored.

    Finished ones are left alone.

    Args:
        input_dir: folder of `imagesTr/CHUM-001__CT.nii.gz` … and `labelsTr/CHUM-001.nii.gz` ….
        output_dir: folder of the two folders.
        mode: absolute links, or copies; a `.nii` is packed in either.
        workers: threads.

    Returns:
        The cases by id; the centre is what stands before the last `-` of the id (`unknown` without one), the patient
        the id.

    Raises:
        FileNotFoundError: `imagesTr` or `labelsTr` is missing.
        ValueError: a CT has no label or the other way round, there is none, or a setting is wrong.
    """
    folder = Path(input_dir)
    _check_folders(folder)
    images, labels = nifti_files(folder / "imagesTr", ending="__CT"), nifti_files(folder / "labelsTr")
    where = ("imagesTr/<case>__CT.nii.gz", "labelsTr/<case>.nii.gz")
    check_matched(images.keys(), labels.keys(), folder=folder, where=where)
    cases = [
        Case(name, *pair_paths(Path(output_dir), name), centre=name.rpartition("-")[0] or "unknown", patient=name)
        for name in images
    ]
    bring_pairs(cases, {name: (images[name], labels[name]) for name in images}, mode=mode, workers=workers)
    return cases


def _check_folders(folder: Path) -> None:
    missing = [name for name in ("imagesTr", "labelsTr") if not (folder / name).is_dir()]
    if missing:
        found = sorted(path.name for path in folder.iterdir())[:10] if folder.is_dir() else "no such folder"
        raise FileNotFoundError(
            f"{folder} lacks {' and '.join(missing)} (found: {found}): give the unpacked HECKTOR 2022 training folder, "
            "the one that holds imagesTr and labelsTr, as --input"
        )
