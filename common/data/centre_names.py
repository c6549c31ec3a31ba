"""Names of centres: one each, in the data list and in the table of boxes that cases are cropped to."""

import difflib
import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

logger = logging.getLogger(__name__)
_CLOSE = 0.8  # of difflib: CHUM and CHUMM are 0.89, CHUM and CHUS, two centres of HECKTOR, 0.75


def require_one_spelling(entries: Iterable[Mapping[str, Any]], *, source: str) -> None:
    """Refuse centres that differ in nothing but capitals, spaces and signs.

    Args:
        entries: Of a data list.
        source: Its path, for the message.

    Raises:
        ValueError: There are such.
    """
    spellings: dict[str, dict[str, Mapping[str, Any]]] = {}
    for entry in entries:
        if isinstance(entry.get("centre"), str):
            spellings.setdefault(_letters(entry["centre"]), {}).setdefault(entry["centre"], entry)
    for names in spellings.values():
        if len(names) > 1:
            (first, _), (second, entry) = list(names.items())[:2]
            raise ValueError(
                f"{source}: entry {entry['case_id']} has centre {second!r} and others have {first!r}, expected one "
                "name for one centre: write it alike, or give them names that differ in more"
            )


def require_boxes_of(
    centre_bounds: Mapping[str, Any] | None, entries: Sequence[Mapping[str, Any]], *, some: bool = False
) -> None:
    """Refuse a box whose centre no case has, where it is meant for one that has none; warn of centres without a box.

    A table may hold more centres than a data set.

    Args:
        centre_bounds: Centre to its box, as of `CentreBoundsCrop`.
        entries: Of the whole data list.
        some: Whether at least one box must be used: the table was written for these cases.

    Raises:
        ValueError: A name is misspelt, or, with `some`, no box is used.
    """
    if not centre_bounds:
        return
    counts = Counter(str(entry.get("centre", "unknown")) for entry in entries)
    without = [name for name in counts if name not in centre_bounds]
    strange = [name for name in centre_bounds if name not in counts]
    for name in strange:
        if meant := difflib.get_close_matches(_letters(name), [_letters(other) for other in without], 1, _CLOSE):
            close = next(other for other in without if _letters(other) == meant[0])
            raise ValueError(
                f"centre_bounds has a box for {name!r}, and no case is of that centre, expected {close!r}, which has "
                f"{counts[close]} cases and no box: write it so in --centre_bounds, or take {name!r} out"
            )
    if some and len(strange) == len(centre_bounds):
        raise ValueError(
            f"centre_bounds has boxes for {', '.join(map(repr, strange))}, and no case is of these centres, expected "
            f"some of {', '.join(map(repr, counts))}: set another --centre_bounds, or leave it out"
        )
    if without and len(strange) < len(centre_bounds):
        some_of = ", ".join(f"{name} ({counts[name]} cases)" for name in without)
        logger.warning("centre_bounds has no box for %s: `crop` decides what happens to these", some_of)


def require_boxes_for(entries: Sequence[Mapping[str, Any]], centre_bounds: Mapping[str, Any]) -> None:
    """Refuse cases that would be cropped, and whose centre has no box.

    Args:
        entries: Of a data list.
        centre_bounds: Centre to its box.

    Raises:
        ValueError: There are such.
    """
    lacking = [entry for entry in entries if entry["centre"] not in centre_bounds and not entry.get("cropped")]
    if lacking:
        centres = ", ".join(map(repr, dict.fromkeys(entry["centre"] for entry in lacking)))
        raise ValueError(
            f"crop is error, and centre_bounds has no box for the centres {centres} of {len(lacking)} cases, expected "
            "one for each: add it to --centre_bounds, or set --crop body or none"
        )


def _letters(name: str) -> str:
    """What is left of a name without capitals, spaces and signs; the name itself where nothing is."""
    return re.sub(r"[\W_]", "", name.casefold()) or name
