"""The data list: one JSON file that drives every bundle (the MSD / Auto3DSeg form; design section 4)."""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from ..files import read_json, write_json
from .case import Case
from .label_map import ordered_values, values_note
from .list_entries import plain_entry, plain_ids
from .list_labels import named_labels
from .list_rules import require_consistent
from .split import TEST, split_cases

logger = logging.getLogger(__name__)
Folds = int | Sequence[int] | Literal["all", "testing", "everything"] | None
SIDES = ("training", "testing")
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

    Cases that have a fold keep it; where some are for testing already, no others are drawn for it.

    Returns:
        ``name, description, licence, seed, labels``, ``training`` with a fold for each entry, ``testing``; entries
        sorted by case id. Generated ones are marked ``generated``, and the list then has ``generator_case_ids``; a list
        of volumes that need no crop any more says ``cropped``.
    """
    fold_of = {case.case_id: case.fold for case in cases if case.fold is not None}
    if rest := [case for case in cases if case.fold is None]:
        share = 0 if TEST in fold_of.values() else test_fraction
        fold_of |= split_cases(rest, test_fraction=share, folds=folds, seed=seed)
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


def read_datalist(path: str | Path, *, masks: bool = True) -> dict[str, Any]:
    """Data list at ``path``, checked: entries as of `plain_entry`, consistent, labels as of `named_labels`.

    Args:
        path: Of the file.
        masks: Whether each entry needs a ``label``.

    Raises:
        FileNotFoundError: There is none; the message says how to make one.
        ValueError: It is no JSON, has an entry or a label that cannot be read, or entries that contradict each other,
            see `require_consistent`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"no data list at {path}: make one with `python -m common.data prepare --source … --output {path.parent}` "
            "or name another with --datalist or --dataset_dir"
        )
    datalist = read_json(path, remedy="make it again with `python -m common.data prepare`, or save it in that form")
    if not isinstance(datalist, dict) or not isinstance(datalist.get("training"), list):
        found = f"'training' is {datalist.get('training')!r:.60}" if isinstance(datalist, dict) else "it is no mapping"
        raise ValueError(
            f"{path} has no list 'training': {found}, expected the MSD form {{training: […], testing: […]}}; make it "
            "again with `python -m common.data prepare`, or save it in that form"
        )
    if not isinstance(datalist.setdefault("testing", []), list):
        raise ValueError(f"{path}: 'testing' is {datalist['testing']!r}, expected a list of entries")
    datalist["labels"] = named_labels(datalist.get("labels") or HEAD_AND_NECK, source=str(path))
    if isinstance(datalist.get("test"), list) and datalist["test"] and not datalist["testing"]:
        _warn_of_test(str(path), len(datalist["test"]))
    if "generator_case_ids" in datalist:
        remedy = "name the real cases behind the generated ones"
        ids = plain_ids(datalist["generator_case_ids"], key="generator_case_ids", where=str(path), remedy=remedy)
        datalist["generator_case_ids"] = ids
    number = 0
    for side in SIDES:
        for place, entry in enumerate(datalist[side]):
            datalist[side][place] = plain_entry(entry, number=number, source=str(path), masks=masks)
            number += 1
    if not number:
        raise ValueError(
            f"{path} has no case, expected entries under 'training' or 'testing': make it again with `python -m "
            "common.data prepare`"
        )
    require_consistent(datalist, source=str(path))
    return datalist


@cache  # a config reads its list several times
def _warn_of_test(path: str, count: int) -> None:
    logger.warning(
        "%s: 'test' names %d images, expected 'testing' with entries that have masks: they are not used; "
        "`run inferring --images FOLDER` takes images without masks",
        path,
        count,
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


def first_labels(datalist: Mapping[str, Any], count: int) -> tuple[int, ...]:
    """The first `count` of `label_values`: those that a training is to learn.

    Raises:
        ValueError: There are fewer.
    """
    values = label_values(datalist)
    if count > len(values):
        raise ValueError(
            f"labels is {count}, expected at most {len(values)}, as the data list has {datalist['labels']}: set "
            "another --labels, or leave it out"
        )
    return values[:count]


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
    elif folds is None or folds == "all":
        chosen = datalist["training"]
    else:
        wanted = list(folds) if isinstance(folds, list | tuple) else [folds]
        if not all(isinstance(fold, int) and not isinstance(fold, bool) for fold in wanted):
            raise ValueError(f"folds is {folds!r}, expected all, testing, everything, a fold or a list of folds")
        there = sorted({entry["fold"] for entry in datalist["training"] if "fold" in entry})
        if unknown := [fold for fold in wanted if fold not in there]:
            raise ValueError(
                f"folds {unknown} are not in the data list, which has the folds {there}: name others, or split the "
                "cases again with `python -m common.data prepare --folds N`"
            )
        chosen = [entry for entry in datalist["training"] if entry.get("fold") in wanted]
    if not chosen:
        raise ValueError(
            f"folds {folds} select no case of the data list, expected all, testing, everything, or folds that have "
            "cases: name others"
        )
    root = Path(dataset_dir).resolve()
    behind = {"generator_case_ids": datalist.get("generator_case_ids", [])}
    notes = ({"cropped": True} if datalist.get("cropped") else {}) | values_note(datalist.get("labels"))
    return [
        {**notes, **entry}
        | {key: str(root / entry[key]) for key in ("image", "label") if key in entry}
        | (behind if entry.get("generated") else {})
        for entry in chosen
    ]


def label_names(names: Mapping[str, str], *, binary: bool = False) -> dict[str, str]:
    """Value to name of the labels in order; with ``binary`` one foreground, of the first value and all names."""
    ordered = {str(value): names[str(value)] for value in sorted(int(value) for value in names)}
    if not binary:
        return ordered
    return {"0": ordered.pop("0", "background"), next(iter(ordered), "1"): " or ".join(ordered.values())}


def read_label_names(path: str | Path, *, binary: bool = False) -> dict[str, str]:
    """Those of the list at `path`, see `label_names`."""
    return label_names(read_datalist(path)["labels"], binary=binary)


def foreground_names(names: Mapping[str, str] | None) -> list[str]:
    """Names of the labels 1, 2, … in order, for a legend."""
    return list(label_names(names).values())[1:] if names else ["foreground"]


def datalist_hash(datalist: Mapping[str, Any]) -> str:
    """SHA-256 of ids, folds and paths of the list: equal lists, equal hash, whatever their order or notes."""
    rows = [
        [side, entry["case_id"], entry.get("fold"), entry["image"], entry["label"]]
        for side in SIDES
        for entry in datalist.get(side, [])
    ]
    return hashlib.sha256(json.dumps(sorted(rows, key=lambda row: row[:2])).encode()).hexdigest()
