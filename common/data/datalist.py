"""The data list: one JSON file that drives every bundle (the MSD / Auto3DSeg form; design section 4)."""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from ..files import write_json
from .case import Case
from .label_map import ordered_values, values_note
from .list_entries import plain_entry
from .list_labels import named_labels
from .split import TEST, split_cases

logger = logging.getLogger(__name__)
Folds = int | Sequence[int] | Literal["all", "testing", "everything"] | None
HEAD_AND_NECK = {"0": "background", "1": "tumour", "2": "lymph node"}  # HECKTOR 2022


def make_datalist(
    cases: Sequence[Case],
    *,
    seed: int = 0,
    test_fraction: float = 0.2,
    folds: int = 5,
    name: str = "CT image + mask pairs",
    description: str = "",
    licence: str = "",
    labels: Mapping[str, str] | None = None,
    cropped: bool = False,
) -> dict[str, Any]:
    """Data list of ``cases``, whose paths are relative to the folder that the list will lie in.

    Returns:
        ``name, description, licence, seed, labels``, ``training`` with a fold for each entry, ``testing``; entries
        sorted by case id. Generated ones are marked ``generated``, and the list then has ``generator_case_ids``; a list
        of volumes that need no crop any more says ``cropped``.
    """
    fold_of = split_cases(cases, test_fraction=test_fraction, folds=folds, seed=seed)
    entries: dict[str, list[dict[str, Any]]] = {"training": [], "testing": []}
    for case in sorted(cases, key=lambda case: case.case_id):
        entry: dict[str, Any] = {
            "case_id": case.case_id,
            "image": Path(case.image).as_posix(),
            "label": Path(case.label).as_posix(),
            "centre": case.centre,
            "patient": case.patient or case.case_id,
        }
        if case.generator_case_ids is not None:
            entry["generated"] = True
        fold = fold_of[case.case_id]
        entries["testing" if fold == TEST else "training"].append(entry if fold == TEST else {**entry, "fold": fold})
    notes: dict[str, Any] = {"name": name, "description": description, "licence": licence, "seed": seed}
    behind = [case.generator_case_ids for case in cases if case.generator_case_ids is not None]
    notes |= {"generator_case_ids": sorted(set().union(*behind))} if behind else {}
    notes |= {"cropped": True} if cropped else {}
    return {**notes, "labels": dict(labels or HEAD_AND_NECK), **entries}


def write_datalist(datalist: Mapping[str, Any], path: str | Path) -> None:
    """Write ``datalist`` as JSON, whole or not at all."""
    write_json(datalist, path)


def read_datalist(path: str | Path) -> dict[str, Any]:
    """Data list at ``path``, checked, with entries as of `plain_entry` and labels as of `named_labels`.

    Raises:
        FileNotFoundError: There is none; the message says how to make one.
        ValueError: It is no JSON, has an entry or a label that cannot be read, names a case twice, has a patient on two
            sides of the split, or says ``cropped`` otherwise than by true or false.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"no data list at {path}: make one with `python -m common.data prepare --source … --output {path.parent}` "
            "or name another with --datalist or --dataset_dir"
        )
    try:
        datalist = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no JSON ({error}): make it again with `python -m common.data prepare`") from error
    if not isinstance(datalist, dict) or not isinstance(datalist.get("training"), list):
        raise ValueError(f"{path} has no list 'training', expected the MSD form {{training: […], testing: […]}}")
    if not isinstance(datalist.setdefault("testing", []), list):
        raise ValueError(f"{path}: 'testing' is {datalist['testing']!r}, expected a list of entries")
    datalist["labels"] = named_labels(datalist.get("labels") or HEAD_AND_NECK, source=str(path))
    if isinstance(datalist.get("test"), list) and datalist["test"] and not datalist["testing"]:
        _warn_of_test(str(path), len(datalist["test"]))
    number = 0
    for side in ("training", "testing"):
        for place, entry in enumerate(datalist[side]):
            datalist[side][place] = plain_entry(entry, number=number, source=str(path))
            number += 1
    _check_entries(datalist, path)
    return datalist


@cache  # a config reads its list several times
def _warn_of_test(path: str, count: int) -> None:
    logger.warning(
        "%s: 'test' names %d images, expected 'testing' with entries that have masks: they are not used; "
        "`run inferring --images FOLDER` takes images without masks",
        path,
        count,
    )


def _check_entries(datalist: Mapping[str, Any], path: Path) -> None:
    entries = [*datalist["training"], *datalist.get("testing", [])]
    for where in (datalist, *entries):
        if not isinstance(where.get("cropped", False), bool):
            name = where.get("case_id", "the list")
            raise ValueError(f"{path}: {name} has cropped {where['cropped']!r}, expected true or false, without quotes")
    ids = [entry["case_id"] for entry in entries]
    if twice := sorted({case_id for case_id in ids if ids.count(case_id) > 1} if len(set(ids)) < len(ids) else ()):
        raise ValueError(f"{path}: case ids {twice} stand twice, expected each once")
    sides: dict[str, set] = {}
    for side in ("training", "testing"):
        for entry in datalist.get(side, []):
            sides.setdefault(entry.get("patient", entry["case_id"]), set()).add(entry.get("fold", side))
    if torn := sorted(patient for patient, where in sides.items() if len(where) > 1):
        raise ValueError(
            f"{path}: patients {torn} are in several folds or in training and testing, which leaks; "
            "give all cases of a patient one fold"
        )


def source_case(entry: Mapping[str, Any]) -> str:
    """Id of the real case behind an entry: of a copy made by augmentation its ``source_case``, else its own."""
    return entry.get("source_case", entry["case_id"])


def generator_cases(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Ids of the real cases that the generators of generated `entries` were trained on, sorted."""
    return sorted({case_id for entry in entries for case_id in entry.get("generator_case_ids", ())})


def label_values(datalist: Mapping[str, Any]) -> tuple[int, ...]:
    """Values that the masks may hold; `read_datalist` has filled in 0, 1 and 2 where the list does not say."""
    return tuple(ordered_values(datalist["labels"]))


def select_cases(datalist: Mapping[str, Any], *, folds: Folds = None, dataset_dir: str | Path) -> list[dict[str, Any]]:
    """Entries of ``folds`` with absolute paths under ``dataset_dir``; generated ones name their ``generator_case_ids``.

    Entries of a list that is ``cropped`` say so themselves: no preprocessing crops them again. Those of a list whose
    values are not 0 … n - 1 carry them as ``label_values``, so that masks are read as classes.

    Args:
        datalist: See `read_datalist`.
        folds: One fold or several; None or ``all`` is all of ``training``; ``testing`` the test cases;
            ``everything`` both.
        dataset_dir: Folder that the list's paths are relative to.

    Raises:
        ValueError: A fold does not exist, or nothing is selected.
    """
    if folds == "testing":
        chosen = datalist.get("testing", [])
    elif folds == "everything":
        chosen = [*datalist["training"], *datalist.get("testing", [])]
    elif isinstance(folds, str) and folds != "all":
        raise ValueError(f"folds is '{folds}', expected all, testing, everything, a fold or a list of folds")
    else:
        entries = datalist["training"]
        there = sorted({entry.get("fold", 0) for entry in entries})
        wanted = there if folds is None or folds == "all" else [folds] if isinstance(folds, int) else list(folds)
        if unknown := [fold for fold in wanted if fold not in there]:
            raise ValueError(f"folds {unknown} are not in the data list, which has the folds {there}")
        chosen = [entry for entry in entries if entry.get("fold", 0) in wanted]
    if not chosen:
        raise ValueError(f"folds {folds} select no case of the data list")
    root = Path(dataset_dir).resolve()
    behind = {"generator_case_ids": datalist.get("generator_case_ids", [])}
    notes = ({"cropped": True} if datalist.get("cropped") else {}) | values_note(datalist.get("labels"))
    return [
        {**notes, **entry, "image": str(root / entry["image"]), "label": str(root / entry["label"])}
        | (behind if entry.get("generated") else {})
        for entry in chosen
    ]


def label_names(names: Mapping[str, str], *, binary: bool = False) -> dict[str, str]:
    """Value to name of the labels in order; with ``binary`` one foreground, of the first value and all names."""
    ordered = {str(value): names[str(value)] for value in sorted(int(value) for value in names)}
    if not binary:
        return ordered
    return {"0": ordered.pop("0", "background"), next(iter(ordered), "1"): " or ".join(ordered.values())}


def foreground_names(names: Mapping[str, str] | None) -> list[str]:
    """Names of the labels 1, 2, … in order, for a legend."""
    return list(label_names(names).values())[1:] if names else ["foreground"]


def datalist_hash(datalist: Mapping[str, Any]) -> str:
    """SHA-256 of ids, folds and paths of the list: equal lists, equal hash, whatever their order or notes."""
    rows = [
        [side, entry["case_id"], entry.get("fold"), entry["image"], entry["label"]]
        for side in ("training", "testing")
        for entry in datalist.get(side, [])
    ]
    return hashlib.sha256(json.dumps(sorted(rows, key=lambda row: row[:2])).encode()).hexdigest()
