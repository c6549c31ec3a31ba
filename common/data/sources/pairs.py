"""Any CT volumes and masks: `images/` and `labels/` with equal file names, or a list; and a table of centres if any."""

import csv
import logging
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Any

from ...files import read_json
from ..case import Case
from ..list_entries import meant_key, plain_text
from ..nifti_files import nifti_files
from .existing_nifti import Mode, bring_pairs, check_matched, shortlist
from .given_list import find_given_list, read_given_list
from .nifti_pair import pair_paths
from .off_centre import cut_off_centre

logger = logging.getLogger(__name__)
_COLUMNS = ("case_id", "centre", "patient")
_TABLES = (".csv", ".tsv", ".xlsx", ".xls", ".ods")
# what tables call them beside these, without spaces and signs; a name that is close to one of them is refused
_SPELLINGS = {"center": "centre", "site": "centre", "subject": "patient", "subjectid": "patient"}
_SPELLINGS |= {"patientid": "patient", "patientname": "patient", "centreid": "centre", "centerid": "centre"}


def prepare_pairs(
    input_dir: str | Path,
    output_dir: str | Path,
    *,
    mode: Mode = "link",
    cut: Sequence[int] | None = None,
    seed: int = 0,
    workers: int = 2,
) -> list[Case]:
    """Bring pairs of any origin to `images/<id>.nii.gz` and `labels/<id>.nii.gz`; the id is the file's name.

    `cases.csv`, or `cases.json` (a list of objects), in `input_dir` may give `centre` and `patient` by `case_id`,
    with capitals and spaces as they come; other columns are ignored. Finished pairs are left alone.

    Args:
        input_dir: folder of `images/` and `labels/`, in the formats of `nifti_files`; or a list of MSD's form,
            Auto3DSeg's or nnU-Net's, or the folder of its `dataset.json`. Folds and test cases of a list are kept.
        output_dir: folder of the two folders; may be `input_dir` where all files are `.nii.gz`.
        mode: absolute links, or copies; a `.nii` is packed in either.
        cut: voxels of a box that is written in place of each pair, at a place by `seed`; see `cut_off_centre`.
        seed: of these places.
        workers: threads.

    Returns:
        The cases by id; centre `unknown` and no patient where the table says nothing.

    Raises:
        FileNotFoundError: `images` or `labels` is missing.
        ValueError: files without a partner, a list or table that does not fit the files, or a wrong setting.
    """
    folder, given = Path(input_dir), find_given_list(Path(input_dir))
    if given is not None:
        folder, listed = given.parent, read_given_list(given)
        files, known, folds = listed.files, listed.rows, listed.folds
    else:
        images, labels = nifti_files(folder / "images"), nifti_files(folder / "labels")
        where = ("images/<case>.nii.gz", "labels/<case>.nii.gz")
        check_matched(images.keys(), labels.keys(), folder=folder, where=where)
        files, known, folds = {name: (images[name], labels[name]) for name in images}, {}, {}
    table = _read_table(folder, files.keys())
    cases = []
    for name in sorted(files):
        row, paths = {**known.get(name, {}), **table.get(name, {})}, pair_paths(Path(output_dir), name)
        centre, patient = row.get("centre", "unknown"), row.get("patient")
        cases.append(Case(name, *paths, centre=centre, patient=patient, fold=folds.get(name)))
    if cut is None:
        bring_pairs(cases, files, mode=mode, workers=workers)
    else:
        cut_off_centre(cases, files, cut=cut, seed=seed, workers=workers)
    return cases


def _read_table(folder: Path, names: Collection[str]) -> dict[str, dict[str, str]]:
    """``centre`` and ``patient``, where they are known, by case id; none without a table."""
    paths = [path for path in (folder / "cases.csv", folder / "cases.json") if path.is_file()]
    if len(paths) > 1:
        raise ValueError(f"{folder} holds both cases.csv and cases.json: keep one of them")
    if not paths:
        _tell_other_tables(folder)
        return {}
    path = paths[0]
    rows = [
        _plain_row(row, where=f"{path}: row {number}")
        for number, row in enumerate(_read_csv(path) if path.suffix == ".csv" else _read_json(path), 1)
    ]
    ids = Counter(row["case_id"] for row in rows)
    if unknown := ids.keys() - names:
        raise ValueError(f"{path} names {shortlist(unknown)}: no such images; correct or remove these rows")
    if twice := [case_id for case_id, count in ids.items() if count > 1]:
        raise ValueError(f"{path} names {shortlist(twice)} more than once: keep one row each")
    given = {key: sum(key in row for row in rows) for key in _COLUMNS[1:]}
    logger.info("%s: %d of %d cases have a centre, %d a patient", path, given["centre"], len(names), given["patient"])
    return {row["case_id"]: row for row in rows}


def _tell_other_tables(folder: Path) -> None:
    """Warn of tables that are not read: without one, each case is a patient of its own.

    Raises:
        ValueError: One has the name that is read, but for capitals or its form.
    """
    others = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in _TABLES and path.name[0] != "."]
    if meant := [path for path in others if path.stem.lower() == "cases"]:
        raise ValueError(f"{meant[0]} is not read, expected cases.csv: save it so, as CSV UTF-8, or move it away")
    if others:
        logger.warning(
            "%s: %s not read, and each case counts as a patient of its own; centres and patients are read of cases.csv",
            *(folder, f"{others[0].name} is" if len(others) == 1 else f"{len(others)} tables are"),
        )


def _read_csv(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets put a mark in front
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text in UTF-8 ({error}): save it as CSV UTF-8") from error
    reader = csv.DictReader(StringIO(text, newline=""))
    columns = _keys(reader.fieldnames or (), path)
    if "case_id" not in columns:
        raise ValueError(
            f"{path} has the columns {reader.fieldnames}: expected case_id,centre,patient with commas; rename them"
        )
    rows = []
    for row in reader:
        if None in row or None in row.values():
            raise ValueError(
                f"{path}: line {reader.line_num} has another number of cells than the header's {len(columns)}: put "
                "names with commas in quotes, and leave a cell empty where nothing is known"
            )
        rows.append(dict(zip(columns, row.values(), strict=True)))
    return [row for row in rows if any(cell.strip() for cell in row.values())]  # spreadsheets end with empty ones


def _read_json(path: Path) -> list[dict[str, Any]]:
    rows = read_json(path, remedy="correct it, or remove it if no centres are known")
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        rows = [dict(zip(_keys(list(row), path), row.values(), strict=True)) for row in rows]
        if all("case_id" in row for row in rows):
            return rows
    raise ValueError(f'{path}: expected a list of objects like {{"case_id": …, "centre": …, "patient": …}}')


def _keys(names: Sequence[str], path: Path) -> list[str]:
    """Columns as they are meant: ``Patient`` and `` patient`` are ``patient``; others stay, and are not read.

    Raises:
        ValueError: Two columns are meant alike, or one is nearly a name that is read.
    """
    meant = [meant_key(name) or name for name in names]
    for key in _COLUMNS:
        if len(same := [name for name, other in zip(names, meant, strict=True) if other == key]) > 1:
            raise ValueError(f"{path} has the columns {same}, which all mean {key}: keep one of them")
    for name in set(meant) - set(_COLUMNS):
        plain = re.sub("[^a-z]", "", name.lower())
        if close := get_close_matches(plain, (*_SPELLINGS, *_COLUMNS), 1, cutoff=0.8):
            key = _SPELLINGS.get(close[0], close[0])
            raise ValueError(f"{path} has the column {name!r}, expected {key} or none like it: rename it, or remove it")
    return meant


def _plain_row(row: Mapping[str, Any], *, where: str) -> dict[str, str]:
    """What is known of a case, as text."""
    known = {key: row[key] for key in _COLUMNS if row.get(key) is not None and str(row[key]).strip()}
    if "case_id" not in known:
        raise ValueError(f"{where} has no case_id, expected the name of an image: add it, or remove the row")
    return {key: plain_text(value, key=key, where=where) for key, value in known.items()}
