"""From a data list to the good cases of it: what every config starts with."""

import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

from tqdm import tqdm

from ..files import write_json
from .check import Limits, Problem, check_case, problem_table
from .datalist import Folds, label_values, read_datalist, select_cases
from .known_files import file_stamp, read_known, write_known

logger = logging.getLogger(__name__)
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
) -> list[dict[str, Any]]:
    """Checked entries of ``folds`` of the data list, with absolute paths.

    Args:
        datalist: Path of the list.
        dataset_dir: Folder that its paths are relative to; by default its own.
        folds: As for `select_cases`; test cases are returned only when asked for by ``testing``.
        on_bad_case: Stop with all that was found, or leave bad cases out, with a warning.
        record: JSON file that says which cases were left out and why.
        limits: What a good pair must keep; by default masks hold the labels of the list.
        workers: Threads that read.

    Raises:
        BadCasesError: A case is bad and `on_bad_case` is ``error``, or none is left.
        FileNotFoundError, ValueError: See `read_datalist` and `select_cases`.
    """
    if on_bad_case not in get_args(OnBadCase):
        raise ValueError(f"on_bad_case is '{on_bad_case}', expected error or skip")
    datalist = Path(datalist)
    root = Path(dataset_dir) if dataset_dir is not None else datalist.parent
    content = read_datalist(datalist)
    entries = select_cases(content, folds=folds, dataset_dir=root)
    limits = limits or Limits(labels=label_values(content))
    problems = find_problems(entries, limits=limits, workers=workers, known=root / ".checked.json")
    return keep_good(entries, problems, on_bad_case=on_bad_case, record=record)


def keep_good(
    entries: Sequence[Mapping[str, Any]],
    problems: Sequence[Problem],
    *,
    on_bad_case: OnBadCase,
    record: str | Path | None = None,
) -> list[dict[str, Any]]:
    """Entries without a problem; see `resolve_cases`."""
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
        if record is not None and problems:
            write_json([asdict(problem) for problem in problems], record)
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
        stamps = [file_stamp(entry[key]) for key in ("image", "label") if Path(entry[key]).is_file()]
        keys.append(json.dumps([stamps, asdict(limits)]))
    todo = [(entry, key) for entry, key in zip(entries, keys, strict=True) if key not in good]
    found: list[Problem] = []
    fresh: set[str] = set()
    try:
        with ThreadPoolExecutor(max(1, workers)) as pool:  # decompressing lets go of the lock
            results = pool.map(partial(check_case, limits=limits), [entry for entry, _ in todo])
            for (_, key), problems in zip(todo, tqdm(results, "checking", len(todo), disable=None), strict=True):
                found.extend(problems)
                fresh |= set() if problems else {key}
    finally:  # what an interrupted pass has read is not read again
        if known is not None and fresh:
            write_known(sorted(good | fresh), known)
    return found
