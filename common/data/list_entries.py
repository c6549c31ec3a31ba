"""Entries of a data list that users bring, in the one form that everything else expects."""

import re
from collections.abc import Mapping
from typing import Any

_NEEDED = ("case_id", "image", "label")
_LETTERS = {"fold": "fold", "folds": "fold", "caseid": "case_id", "centre": "centre", "center": "centre"}
_LETTERS |= {"patient": "patient"}
_REMEDY = {
    "case_id": "give each entry a case_id of its own, such as the name of its image file",
    "image": "name the image file, relative to the folder of the list or to --dataset_dir",
    "label": "add the mask's path, or take the entry out; images without masks are for `run inferring --images FOLDER`",
}


def plain_entry(entry: Any, *, number: int, source: str) -> dict[str, Any]:
    """`entry` with text as ``case_id``, ``centre`` and ``patient``, and a whole number as ``fold`` where it has one.

    A centre that is missing or null is "unknown", as of `prepare --source pairs`; a patient that is null is left out.

    Args:
        entry: Of the list.
        number: Of it in the list, for messages.
        source: The list's path, for messages.

    Raises:
        ValueError: It is no object, lacks a key, misspells one, or holds what is neither text nor a number.
    """
    if not isinstance(entry, dict):
        remedy = 'write {"case_id": …, "image": …, "label": …}; a path alone, as under MSD\'s "test", has no mask'
        raise ValueError(f"{source}: entry {number} is {entry!r}, expected {list(_NEEDED)} and a fold: {remedy}")
    name = entry.get("case_id", number)
    for key in entry:
        meant = _LETTERS.get(re.sub("[^a-z]", "", key.lower()))
        if meant and key != meant and meant not in entry:
            raise ValueError(f"{source}: entry {name} has the key {key!r}, expected '{meant}': rename it")
    if missing := [key for key in _NEEDED if entry.get(key) is None]:
        remedy = "; ".join(_REMEDY[key] for key in missing)
        raise ValueError(f"{source}: entry {name} lacks {missing}, expected {list(_NEEDED)}: {remedy}")
    plain = {**entry, "centre": "unknown" if entry.get("centre") is None else entry["centre"]}
    if plain.get("patient", "") is None:
        del plain["patient"]  # then each case is a patient of its own
    plain |= {
        key: _text(plain, key, where=f"{source}: entry {name}")
        for key in ("case_id", "centre", "patient")
        if key in plain
    }
    for key in ("image", "label"):
        if not isinstance(plain[key], str):
            raise ValueError(
                f"{source}: entry {name} has {key} {plain[key]!r}, expected one path as text: {_REMEDY[key]}"
            )
    return plain | ({"fold": _fold(plain, where=f"{source}: entry {name}")} if "fold" in plain else {})


def _text(entry: Mapping[str, Any], key: str, *, where: str) -> str:
    value = entry[key]
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # spreadsheets write numbers so
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
        raise ValueError(f"{where} has {key} {value!r}, expected text or a number: write a name in quotes")
    return str(value)


def _fold(entry: Mapping[str, Any], *, where: str) -> int:
    value = entry["fold"]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{where} has fold {value!r}, expected a fold, a whole number: write 0, 1, … without quotes")
    return value
