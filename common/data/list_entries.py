"""Entries of a data list that users bring, in the one form that everything else expects."""

import math
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

_NEEDED = ("case_id", "image", "label")
_LETTERS = {"fold": "fold", "folds": "fold", "caseid": "case_id", "centre": "centre", "center": "centre"}
_LETTERS |= {"patient": "patient"}
_LONGEST = 200  # bytes of an id: names of files are made of it, which may have 255
_REMEDY = {
    "case_id": "give each entry a case_id of its own, such as the name of its image file",
    "image": "name the image file, relative to the folder of the list or to --dataset_dir",
    "label": "add the mask's path, or take the entry out; images without masks are for `run inferring --images FOLDER`",
}


def plain_entry(entry: Any, *, number: int, source: str, masks: bool = True) -> dict[str, Any]:
    """`entry` with text as ``case_id``, ``centre`` and ``patient``, and a whole number as ``fold`` where it has one.

    A centre that is missing or null is "unknown", as of `prepare --source pairs`; a patient that is null is left out.

    Args:
        entry: Of the list.
        number: Of it in the list, for messages.
        source: The list's path, for messages.
        masks: Whether it needs a ``label``; the sets of generators of images alone have none.

    Raises:
        ValueError: It is no object, lacks a key, misspells one, or holds what is neither text nor a number; its id is
            no name of a file.
    """
    needed = list(_NEEDED if masks else _NEEDED[:2])
    if not isinstance(entry, dict):
        remedy = 'write {"case_id": …, "image": …, "label": …}; a path alone, as under MSD\'s "test", has no mask'
        raise ValueError(f"{source}: entry {number} is {entry!r}, expected {needed} and a fold: {remedy}")
    name = entry.get("case_id", number)
    where = f"{source}: entry {name}"
    for key in entry:
        meant = meant_key(key)
        if meant and key != meant and meant not in entry:
            raise ValueError(f"{where} has the key {key!r}, expected '{meant}': rename it")
    if missing := [key for key in needed if entry.get(key) is None]:
        remedy = "; ".join(_REMEDY[key] for key in missing)
        raise ValueError(f"{where} lacks {missing}, expected {needed}: {remedy}")
    plain = {**entry, "centre": "unknown" if entry.get("centre") is None else entry["centre"]}
    if plain.get("patient", "") is None:
        del plain["patient"]  # then each case is a patient of its own
    for key in ("case_id", "centre", "patient", "source_case"):
        if key in plain:
            plain[key] = plain_text(plain[key], key=key, where=where)
    require_file_name(plain["case_id"], where=where)
    for key in ("image", "label"):
        if key in plain and (not isinstance(plain[key], str) or not plain[key].strip()):
            raise ValueError(f"{where} has {key} {plain[key]!r}, expected one path as text: {_REMEDY[key]}")
    if "label" in plain and PurePosixPath(plain["image"]) == PurePosixPath(plain["label"]):
        raise ValueError(f"{where} has {plain['image']} as image and as label, expected two files: {_REMEDY['label']}")
    for key in ("cropped", "generated"):
        if not isinstance(plain.get(key, False), bool):
            raise ValueError(f"{where} has {key} {plain[key]!r}, expected true or false, without quotes")
    return plain | ({"fold": _fold(plain, where=where)} if "fold" in plain else {})


def meant_key(key: str) -> str | None:
    """The key of an entry that `key` spells otherwise, such as ``Patient`` or ``Case ID``; None where it means none."""
    return _LETTERS.get(re.sub("[^a-z]", "", key.lower()))


def plain_text(value: Any, *, key: str, where: str) -> str:
    """A name as text without spaces around it; numbers become text, whole ones without a point.

    Args:
        value: Text or a number.
        key: That holds it, for the message.
        where: File and entry, for the message.

    Raises:
        ValueError: It is something else, or empty.
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # spreadsheets write numbers so
    named = isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
    if isinstance(value, bool) or not named or not str(value).strip():
        raise ValueError(f"{where} has {key} {value!r}, expected text or a number: write a name in quotes")
    return str(value).strip()


def plain_ids(value: Any, *, key: str, where: str, remedy: str) -> list[str]:
    """A list of case ids as text.

    Args:
        value: What stands for it.
        key: That holds it, for messages.
        where: File, for messages.
        remedy: What to do about something else, for messages.

    Raises:
        ValueError: It is no list, or one of the ids is neither text nor a number.
    """
    if not isinstance(value, list):
        raise ValueError(f"{where} has {key} {value!r}, expected a list of case ids: {remedy}")
    return [plain_text(item, key=f"among {key}", where=where) for item in value]


def require_file_name(case_id: str, *, where: str) -> None:
    """Refuse an id that would lead out of the folder that files are named by it in.

    Args:
        case_id: Of a case.
        where: File and entry, for the message.

    Raises:
        ValueError: It holds a separator of paths or a control character, begins with a dot, or is too long.
    """
    if not re.search(r"[/\\\x00-\x1f\x7f]|^\.", case_id) and len(case_id.encode()) <= _LONGEST:
        return
    raise ValueError(
        f"{where} has case_id {case_id[:_LONGEST]!r}, expected the name of a file: files are named by it, so it holds "
        f"no / and no \\, does not begin with a dot, and has at most {_LONGEST} bytes; give the case another id"
    )


def _fold(entry: Mapping[str, Any], *, where: str) -> int:
    value = entry["fold"]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{where} has fold {value!r}, expected a fold, a whole number: write 0, 1, … without quotes")
    return value
