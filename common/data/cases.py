"""From a data list to the good cases of it: what every config starts with."""

import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from ..files import write_json
from ..progress import Progress
from .centre_names import require_boxes_for, require_boxes_of
from .check import Limits, Problem, check_case, problem_table
from .datalist import Folds, label_values, read_datalist, select_cases
from .known_files import file_stamp, read_known, write_known
from .largest_size import require_few_voxels
from .nested_order import nested_order
from .preprocessing import complete
from .same_files import same_files

logger = logging.getLogger(__name__)
CHECKED_NAME = ".checked.json"  # beside a data set: its files that are good
OnBadCase = Literal["error", "skip"]


class BadCasesError(ValueError):
    """Cases did not pass the check; the message is the table of what was found and what to do."""


def resolve_cases(
    datalist: str | Path,
    *,
    dataset_dir: str | Path | None = None,
    folds: Folds = None,
    on_bad_case: OnBadCase = "error",
    record: str | Path | None = None,
    limits: Limits | None = None,
    workers: int = 2,
    training: bool = False,
    preprocessing: Mapping[str, Any] | None = None,
    count: int | None = None,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Checked entries of ``folds`` of the data list, with absolute paths.

    Each file is checked by itself, and against all images of the list, so that none is on two sides of the split.

    Args:
        datalist: Path of the list.
        dataset_dir: Folder that its paths are relative to; by default its own.
        folds: As for `select_cases`; test cases are returned only when asked for by ``testing``.
        on_bad_case: Stop with all that was found, or leave bad cases out, with a warning.
        record: JSON file that says which cases were left out and why.
        limits: What a good pair must keep; by default masks hold the labels of the list.
        workers: Threads that read.
        training: Whether something is trained on them: test cases are then refused.
        preprocessing: What is done to the cases next, see `Preprocessing`: whether it can be done to all of them.
        count: How many of the good cases, see `nested_order`; all by default.
        seed: Decides which.

    Raises:
        BadCasesError: A case is bad and `on_bad_case` is ``error``, or none is left.
        FileNotFoundError, ValueError: See `read_datalist`, `select_cases`, `require_boxes_of` and `require_few_voxels`;
            test cases would train; or there are fewer good cases than `count`.
    """
    require_on_bad_case(on_bad_case)
    datalist = Path(datalist)
    root = Path(dataset_dir) if dataset_dir is not None else datalist.parent
    content = read_datalist(datalist)
    entries = select_cases(content, folds=folds, dataset_dir=root)
    chosen = {entry["case_id"] for entry in entries}
    everything = select_cases(content, folds="everything", dataset_dir=root)
    held_out = [entry["case_id"] for entry in content["testing"] if entry["case_id"] in chosen]
    if training and held_out:
        raise ValueError(
            f"folds is {folds!r}, which holds {len(held_out)} test cases of {datalist}, such as {held_out[0]}: a "
            "training never sees them, and sets of a generator that had could not be judged by them; name training "
            "folds with --folds, or leave it out"
        )
    if preprocessing is not None:
        region = complete(preprocessing)
        require_boxes_of(region["centre_bounds"], everything, some=training)
        if region["crop"] == "error":
            require_boxes_for(entries, region["centre_bounds"])
        require_few_voxels(region["spacing"], entries)
    limits = limits or Limits(labels=label_values(content))
    problems = find_problems(entries, limits=limits, workers=workers, known=root / CHECKED_NAME)
    problems += same_files(entries, [entry for entry in everything if entry["case_id"] not in chosen])
    good = keep_good(entries, problems, on_bad_case=on_bad_case, record=record)
    if count is None:
        return good
    if count > len(good):
        raise ValueError(
            f"case_count is {count}, but {datalist} has {len(good)} good cases in the folds {folds!r}: set it lower, "
            "or leave it out for all"
        )
    return nested_order(good, seed=seed)[:count]


def require_on_bad_case(value: str) -> None:
    """Refuse what is not one of `OnBadCase`."""
    if value not in get_args(OnBadCase):
        raise ValueError(f"on_bad_case is {value!r}, expected error or skip: set --on_bad_case, or leave it out")


def keep_good(
    entries: Sequence[Mapping[str, Any]],
    problems: Sequence[Problem],
    *,
    on_bad_case: OnBadCase,
    record: str | Path | None = None,
    before: Sequence[Problem] = (),
) -> list[dict[str, Any]]:
    """Entries without a problem; see `resolve_cases`. Of cases that were left out `before` the record says so, too."""
    require_on_bad_case(on_bad_case)
    bad = {problem.case_id for problem in problems}
    good = [dict(entry) for entry in entries if entry["case_id"] not in bad]
    if bad and (on_bad_case == "error" or not good):
        raise BadCasesError(
            f"{len(bad)} of {len(entries)} cases cannot be used:\n{problem_table(problems)}\n"
            "Mend them, or leave them out with --on_bad_case skip"
        )
    if bad:
        logger.warning("left out %d of %d cases:\n%s", len(bad), len(entries), problem_table(problems))
    try:
        if record is not None and (problems or before):
            write_json([asdict(problem) for problem in [*before, *problems]], record)
        elif record is not None:
            Path(record).unlink(missing_ok=True)  # an older one, which holds no more
    except OSError as error:
        logger.warning("%s cannot be written (%s): the log alone says what was left out", record, error)
    return good


def find_problems(
    entries: Sequence[Mapping[str, Any]],
    *,
    limits: Limits | None = None,
    workers: int = 2,
    known: str | Path | None = None,
) -> list[Problem]:
    """Problems of all entries, in their order.

    Args:
        entries: With absolute paths.
        limits: What a good pair must keep.
        workers: Threads that read.
        known: JSON file that remembers good pairs by path, size and time of their files, so that they are read once.
    """
    limits = limits or Limits()
    good: set[str] = set(read_known(known, default=[]))
    keys = []  # `prepare` and `run training` name files alike: a pass of the one is known to the other
    for entry in entries:
        stamps = [file_stamp(entry[key]) for key in ("image", "label") if Path(entry.get(key, "")).is_file()]
        keys.append(json.dumps([stamps, asdict(limits)]))
    todo = [(entry, key) for entry, key in zip(entries, keys, strict=True) if key not in good]
    found: list[Problem] = []
    fresh: set[str] = set()
    try:
        with ThreadPoolExecutor(max(1, workers)) as pool:  # decompressing lets go of the lock
            results = pool.map(partial(check_case, limits=limits), [entry for entry, _ in todo])
            for (_, key), problems in zip(todo, Progress(results, "checking", len(todo)), strict=True):
                found.extend(problems)
                fresh |= set() if problems else {key}
    finally:  # what an interrupted pass has read is not read again
        if known is not None and fresh:
            write_known(sorted(good | fresh), known)
    return found
