"""Any folder of CT volumes and masks: `images/` and `labels/` with equal file names, and a table of centres if any."""

import csv
import json
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..case import Case
from ..nifti_files import nifti_files
from .existing_nifti import Mode, bring_pairs, check_matched, shortlist
from .nifti_pair import pair_paths


def prepare_pairs(
    input_dir: str | Path, output_dir: str | Path, *, mode: Mode = "link", workers: int = 2
) -> list[Case]:
    """Bring pairs of any origin to `images/<id>.nii.gz` and `labels/<id>.nii.gz`; the id is the file's name.

    `cases.csv`, or `cases.json` (a list of objects), in `input_dir` may give `centre` and `patient` by `case_id`; other
    columns are ignored. Finished pairs are left alone.

    Args:
        input_dir: folder of `images/` and `labels/`, `.nii` or `.nii.gz`.
        output_dir: folder of the two folders; may be `input_dir` where all files are `.nii.gz`.
        mode: absolute links, or copies; a `.nii` is packed in either.
        workers: threads.

    Returns:
        The cases by id; centre `unknown` and no patient where the table says nothing.

    Raises:
        FileNotFoundError: `images` or `labels` is missing.
        ValueError: files without a partner, a table that does not fit the files, or a wrong setting.
    """
    folder = Path(input_dir)
    images, labels = nifti_files(folder / "images"), nifti_files(folder / "labels")
    where = ("images/<case>.nii.gz", "labels/<case>.nii.gz")
    check_matched(images.keys(), labels.keys(), folder=folder, where=where)
    known = _read_table(folder, images.keys())
    cases = []
    for name in images:
        row = known.get(name, {})  # numbers in it become names
        centre, patient = (str(row[key]).strip() if row.get(key) is not None else "" for key in ("centre", "patient"))
        paths = pair_paths(Path(output_dir), name)
        cases.append(Case(name, *paths, centre=centre or "unknown", patient=patient or None))
    bring_pairs(cases, {name: (images[name], labels[name]) for name in images}, mode=mode, workers=workers)
    return cases


def _read_table(folder: Path, names: Collection[str]) -> dict[str, dict[str, Any]]:
    """Rows of the table by case id; none without a table."""
    paths = [path for path in (folder / "cases.csv", folder / "cases.json") if path.is_file()]
    if len(paths) > 1:
        raise ValueError(f"{folder} holds both cases.csv and cases.json: keep one of them")
    if not paths:
        return {}
    rows = _read_csv(paths[0]) if paths[0].suffix == ".csv" else _read_json(paths[0])
    ids = Counter(str(row["case_id"]) for row in rows)
    if unknown := ids.keys() - names:
        raise ValueError(f"{paths[0]} names {shortlist(unknown)}: no such images; correct or remove these rows")
    if twice := [case_id for case_id, count in ids.items() if count > 1]:
        raise ValueError(f"{paths[0]} names {shortlist(twice)} more than once: keep one row each")
    return {str(row["case_id"]): row for row in rows}


def _read_csv(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets put a mark in front
        reader = csv.DictReader(file)
        if "case_id" not in (reader.fieldnames or ()):
            raise ValueError(f"{path} has the columns {reader.fieldnames}: expected case_id,centre,patient with commas")
        return list(reader)


def _read_json(path: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no JSON ({error}): correct it, or remove it if no centres are known") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "case_id" in row for row in rows):
        raise ValueError(f'{path}: expected a list of objects like {{"case_id": …, "centre": …, "patient": …}}')
    return rows
