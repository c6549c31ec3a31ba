"""OpenKBP, public head-and-neck CT with planning targets, as its repository holds it: sparse CSV files.

A. Babier et al., "OpenKBP: The open-access knowledge-based planning grand challenge and dataset", Medical Physics 48
(2021) 5549-5561; https://github.com/ababier/open-kbp. The targets stand in for HECKTOR's tumour and lymph nodes: 1 is
PTV70 (gross disease), 2 is PTV63 and PTV56 (regions at risk); they are larger than gross tumour.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from ..case import Case
from .nifti_pair import is_written, pair_paths, recipe_note, write_pair

logger = logging.getLogger(__name__)

TARGETS = {"PTV56": 2, "PTV63": 2, "PTV70": 1}  # the later over the earlier
GREY_OF_WATER, GREY_MAX = 1000, 4095
_MEND = "check that the repository was cloned whole (`git status`, `git checkout -- provided-data`)"


def prepare_openkbp(
    input_dir: str | Path, output_dir: str | Path, *, shape: Sequence[int] = (128, 128, 128), workers: int = 2
) -> list[Case]:
    """Write the patients of an OpenKBP clone as NIfTI pairs, `images/okbp_NNN.nii.gz` and `labels/okbp_NNN.nii.gz`.

    Images are int16 HU, -1000 outside the patient; labels uint8, 0-2; RAS, the middle of the volume at 0 mm. Patients
    without any target are left out and named in the log. Finished pairs are left alone.

    Args:
        input_dir: the clone, with `provided-data/{train,valid,test}-pats/pt_N/{ct,PTV70,PTV63,PTV56,
            voxel_dimensions}.csv`.
        output_dir: folder of the two folders.
        shape: of the arrays in the files.
        workers: threads.

    Returns:
        The cases by id, centre `unknown`, patient the id.

    Raises:
        FileNotFoundError: there are no patients, or one lacks its CT or its voxel size.
        ValueError: a file is not what the repository holds, no patient has a target, or `workers` is below 1.
    """
    if workers < 1:
        raise ValueError(f"openkbp: workers={workers}: must be at least 1")
    patients = _find_patients(Path(input_dir))
    convert = partial(_convert, output_dir=Path(output_dir), shape=tuple(shape))
    with ThreadPoolExecutor(workers) as pool:
        cases = list(pool.map(convert, patients, patients.values()))
    skipped = [name for name, case in zip(patients, cases, strict=True) if case is None]
    if skipped:
        logger.warning("openkbp: %d patients without a target left out: %s", len(skipped), ", ".join(skipped))
    if len(skipped) == len(patients):
        raise ValueError(f"{input_dir}: none of {len(patients)} patients has a file of {sorted(TARGETS)}: {_MEND}")
    return [case for case in cases if case is not None]


def _find_patients(folder: Path) -> dict[str, Path]:
    """Folders of the patients by case id, sorted."""
    found = {
        f"okbp_{int(path.name.removeprefix('pt_')):03d}": path
        for path in folder.glob("provided-data/*-pats/pt_*")
        if path.name.removeprefix("pt_").isdecimal()
    }
    if not found:
        raise FileNotFoundError(
            f"{folder} holds no provided-data/*-pats/pt_*: give a clone of https://github.com/ababier/open-kbp "
            "as --input"
        )
    return dict(sorted(found.items()))


def _convert(case_id: str, folder: Path, *, output_dir: Path, shape: tuple[int, ...]) -> Case | None:
    """Write one patient unless that was done; None without a target."""
    case = Case(case_id, *pair_paths(output_dir, case_id), patient=case_id)
    names = ("ct", "voxel_dimensions", *(name for name in TARGETS if (folder / f"{name}.csv").is_file()))
    files = {name: folder / f"{name}.csv" for name in names}
    if missing := [path for path in files.values() if not path.is_file()]:
        raise FileNotFoundError(f"{missing[0]} is missing: {_MEND}")
    note = recipe_note(["openkbp", {name: path.stat().st_size for name, path in files.items()}, shape])
    if is_written(case, note=note):
        return case
    label = _read_label(folder, shape)
    if not label.any():
        return None
    image = _read_image(folder / "ct.csv", shape)
    write_pair(case, _to_ras(image), _to_ras(label), _affine(folder / "voxel_dimensions.csv", shape), note=note)
    return case


def _read_image(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """HU of a CT, of rows `index,grey`; the grey value is HU + 1000, and 0 where there is no row."""
    index, grey = _read_columns(path, (0, 1), shape)
    values = np.zeros(shape, np.int16)
    values.flat[index] = np.clip(np.rint(grey), 0, GREY_MAX)
    return values - GREY_OF_WATER


def _read_label(folder: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Label of the targets, of rows `index,`."""
    label = np.zeros(shape, np.uint8)
    for name, value in TARGETS.items():
        path = folder / f"{name}.csv"
        if path.is_file():
            label.flat[_read_columns(path, (0,), shape)[0]] = value
    return label


def _read_columns(path: Path, columns: tuple[int, ...], shape: tuple[int, ...]) -> list[np.ndarray]:
    """Columns of a sparse file, the first of them as indices into a C-order array of `shape`."""
    try:
        table = np.loadtxt(path, delimiter=",", skiprows=1, usecols=columns, ndmin=2)
    except ValueError as error:
        raise ValueError(f"{path}: {error}: expected a line `,data`, then lines `index,value`; {_MEND}") from error
    index, *values = table.T
    outside = (index < 0) | (index >= np.prod(shape))
    if outside.any():
        raise ValueError(f"{path}: index {index[outside][0]:.0f} is outside an array of {shape}; {_MEND}")
    return [index.astype(np.int64), *values]


def _to_ras(array: np.ndarray) -> np.ndarray:
    """The array, whose axes point posterior, left, inferior, with axes that point right, anterior, superior."""
    return np.flip(array.transpose(1, 0, 2))


def _affine(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Voxels to RAS mm, 0 in the middle; the file holds the voxel's size along the file's axes."""
    try:
        spacing = np.loadtxt(path, ndmin=1)
    except ValueError as error:
        raise ValueError(f"{path}: {error}: expected three numbers, one a line; {_MEND}") from error
    if spacing.shape != (3,) or not (spacing > 0).all():
        raise ValueError(f"{path} holds {spacing.tolist()}: expected three sizes in mm, one a line; {_MEND}")
    order = [1, 0, 2]
    affine = np.diag([*spacing[order], 1.0])
    affine[:3, 3] = -spacing[order] * (np.array(shape)[order] - 1) / 2
    return affine
