"""What the entries of a data list must be to each other, so that no case stands on two sides of a split."""

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from .centre_names import require_one_spelling


def require_consistent(datalist: Mapping[str, Any], *, source: str) -> None:
    """Refuse a list whose entries contradict each other.

    Args:
        datalist: With entries as of `plain_entry`.
        source: Its path, for messages.

    Raises:
        ValueError: An id or a file stands twice; some training entries have a fold and some none; a patient, or a case
            and its copy, is on two sides of the split; ``cropped`` is neither true nor false; nothing says which real
            cases are behind generated ones.
    """
    entries = [*datalist["training"], *datalist["testing"]]
    if not isinstance(cropped := datalist.get("cropped", False), bool):
        raise ValueError(f"{source}: the list has cropped {cropped!r}, expected true or false, without quotes")
    ids = [entry["case_id"] for entry in entries]
    if twice := sorted({case_id for case_id in ids if ids.count(case_id) > 1} if len(set(ids)) < len(ids) else ()):
        raise ValueError(
            f"{source}: case ids {twice} stand twice, expected each once: give each case its own, or remove one"
        )
    without = [entry["case_id"] for entry in datalist["training"] if "fold" not in entry]
    if 0 < len(without) < len(datalist["training"]):
        raise ValueError(
            f"{source}: {len(without)} of {len(datalist['training'])} training entries have no fold, such as "
            f"{without[0]}, expected one in each of them or in none: add it, or split the cases again with "
            "`python -m common.data prepare`"
        )
    require_one_spelling(entries, source=source)
    _require_own_files(entries, source)
    _require_one_side(datalist, source)
    generated = [entry["case_id"] for entry in entries if entry.get("generated")]
    if generated and "generator_case_ids" not in datalist:
        raise ValueError(
            f"{source}: {len(generated)} entries are generated, such as {generated[0]}, and the list has no "
            "generator_case_ids, the real cases behind them, so that leaks cannot be told: make it again with "
            "`python -m common.data prepare --source synthetic`"
        )


def _require_own_files(entries: Sequence[Mapping[str, Any]], source: str) -> None:
    """One file may belong to several cases of one patient, such as an image with the masks of two readers."""
    for key in ("image", "label"):
        first: dict[str, Mapping[str, Any]] = {}
        for entry in entries:
            other = first.setdefault(posixpath.normpath(entry[key]), entry) if key in entry else entry
            if other.get("patient", other["case_id"]) != entry.get("patient", entry["case_id"]):
                raise ValueError(
                    f"{source}: the cases {other['case_id']} and {entry['case_id']} have one {key}, {entry[key]}, "
                    "expected a file each: take one of them out, or give both the same patient"
                )
    pairs: dict[tuple[str, ...], str] = {}
    for entry in entries:
        files = tuple(posixpath.normpath(entry[key]) for key in ("image", "label") if key in entry)
        if (other_id := pairs.setdefault(files, entry["case_id"])) != entry["case_id"]:
            raise ValueError(
                f"{source}: the cases {other_id} and {entry['case_id']} are one, with {', '.join(files)}, "
                "expected each pair once: take one of them out"
            )


def _require_one_side(datalist: Mapping[str, Any], source: str) -> None:
    sides: dict[str, set] = {}
    for side in ("training", "testing"):
        for entry in datalist[side]:
            sides.setdefault(entry.get("patient", entry["case_id"]), set()).add(entry.get("fold", side))
    if torn := sorted(patient for patient, where in sides.items() if len(where) > 1):
        raise ValueError(
            f"{source}: patients {torn} are in several folds or in training and testing, which leaks; "
            "give all cases of a patient one fold"
        )
    testing = {entry.get("source_case", entry["case_id"]) for entry in datalist["testing"]}
    for entry in datalist["training"]:
        if entry.get("source_case", entry["case_id"]) in testing:
            raise ValueError(
                f"{source}: training has {entry['case_id']}, a copy of {entry['source_case']}, which is in testing, "
                "expected copies of training cases alone: take it out"
            )
