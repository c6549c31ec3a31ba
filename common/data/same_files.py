"""Cases whose images are one file under several names: a split by patient would not keep them together."""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..files import file_sha256
from .check import Problem

logger = logging.getLogger(__name__)
KIND = "same file as another case"
_BLOCKS, _BLOCK = 16, 4096  # bytes that are compared before whole files are


def same_files(entries: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]] = ()) -> list[Problem]:
    """A problem for each of `entries` whose image is that of a case of another patient, before it or among `others`.

    Only files of one size are opened, and read to their end only where blocks of them agree. Of generated cases see
    `same_drawn`.

    Args:
        entries: With absolute paths; a case without ``patient`` is a patient of its own.
        others: Further cases, such as those of the other side of the split.
    """
    real = [entry for entry in [*others, *entries] if not entry.get("generated") and Path(entry["image"]).is_file()]
    alike = _alike(real)
    asked = {entry["case_id"] for entry in entries}
    problems = []
    for group in alike:
        for place, entry in enumerate(group):
            twin = next((other for other in group[:place] if _patient(other) != _patient(entry)), None)
            if twin is not None and entry["case_id"] in asked:
                problems.append(_problem(entry, twin))
    return problems


def same_drawn(cases: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """A problem for each case of a network's set whose image is that of a case before it.

    No network draws one image from two latents, unless it has collapsed: where most images are one, that is a warning,
    and the scores of diversity say the rest.

    Args:
        cases: With absolute paths.
    """
    problems = []
    for group in _alike(cases):
        if 2 * len(group) > len(cases):
            logger.warning("%d of %d images are one, as of a network that has collapsed", len(group), len(cases))
            continue
        for entry in group[1:]:
            found, remedy = (
                f"the image of {group[0]['case_id']}",
                "leave one out, or make the set again with `run inferring`",
            )
            problems.append(Problem(entry["case_id"], KIND, str(entry["image"]), found, "an image of its own", remedy))
    return problems


def _alike(entries: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Entries whose images are one file, where there are several."""
    alike = [list(entries)]
    for mark in (_size, _blocks, file_sha256):
        alike = [group for groups in alike for group in _groups(groups, mark)]
    return alike


def _groups(entries: Sequence[Mapping[str, Any]], mark: Callable[[str], Hashable]) -> list[list[Mapping[str, Any]]]:
    """Entries whose images have one mark, where there are several of them."""
    found = defaultdict(list)
    for entry in entries:
        found[mark(entry["image"])].append(entry)
    return [group for group in found.values() if len(group) > 1]


def _size(path: str) -> int:
    return Path(path).stat().st_size


def _blocks(path: str) -> str:
    """Hash of blocks from all over the file."""
    digest, size = hashlib.sha256(), _size(path)
    with Path(path).open("rb") as file:
        for number in range(_BLOCKS):
            file.seek(number * max(size - _BLOCK, 0) // (_BLOCKS - 1))
            digest.update(file.read(_BLOCK))
    return digest.hexdigest()


def _patient(entry: Mapping[str, Any]) -> str:
    return entry.get("patient") or entry["case_id"]


def _problem(entry: Mapping[str, Any], twin: Mapping[str, Any]) -> Problem:
    remedy = "leave one of the two out, or give both the same patient"
    found = f"the image of {twin['case_id']}, of another patient"
    return Problem(entry["case_id"], KIND, str(entry["image"]), found, "an image of its own", remedy)
