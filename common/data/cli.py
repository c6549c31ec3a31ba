"""Command line of the data room: ``python -m common.data prepare`` and ``check``."""

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import fire

from .case import Case
from .cases import OnBadCase, find_problems, keep_good
from .check import Limits
from .datalist import make_datalist, read_datalist, select_cases, write_datalist
from .repair import repair_slices

logger = logging.getLogger(__name__)
Source = Literal["phantom", "registry", "hecktor", "openkbp", "pairs"]
# source: (needs --input, folds, what the mask's values mean)
_HEAD_AND_NECK = {"0": "background", "1": "tumour", "2": "lymph node"}
_SOURCES: dict[str, tuple[bool, int, dict[str, str]]] = {
    "phantom": (False, 5, _HEAD_AND_NECK),
    "registry": (False, 2, {"0": "background", "1": "aorta", "2": "heart"}),  # three patients: one test, two folds
    "hecktor": (True, 5, _HEAD_AND_NECK),
    "openkbp": (True, 5, {"0": "background", "1": "PTV70", "2": "PTV63 and PTV56"}),
    "pairs": (True, 5, _HEAD_AND_NECK),
}


def prepare(
    source: Source,
    output: str,
    *,
    input: str | None = None,
    seed: int = 0,
    test_fraction: float = 0.2,
    folds: int | None = None,
    labels: Sequence[int] = (0, 1, 2),
    min_slices: int = 16,
    on_bad_case: OnBadCase = "error",
    workers: int = 2,
    **options: Any,
) -> None:
    """Fill OUTPUT with NIfTI pairs of a source, check them, and write OUTPUT/datalist.json.

    Args:
        source: phantom, registry, hecktor, openkbp or pairs.
        output: Folder to fill; what is finished there is left alone.
        input: Folder of the data, for hecktor, openkbp and pairs.
        seed: Of the split, and of the phantom.
        test_fraction: Share of the patients that is for testing.
        folds: Number of folds of the others.
        labels: Values that masks may hold.
        min_slices: Slices that a case needs.
        on_bad_case: error stops, skip leaves bad cases out of the list and records them in OUTPUT/left_out.json.
        workers: Threads.
        options: Further options of the source (count, size; mode link or copy; cache_dir, windows).
    """
    directory = Path(output)
    cases = _run_source(source, directory, input, seed=seed, workers=workers, **options)
    limits = Limits(labels=tuple(labels), min_slices=min_slices)
    entries = [{"case_id": c.case_id, "image": str(c.image), "label": str(c.label), "case": c} for c in cases]
    problems = find_problems(entries, limits=limits, workers=workers, known=directory / ".checked.json")
    good = keep_good(entries, problems, on_bad_case=on_bad_case, record=directory / "left_out.json")
    datalist = make_datalist(
        [_relative(entry["case"], directory) for entry in good],
        seed=seed,
        test_fraction=test_fraction,
        folds=folds or _SOURCES[source][1],
        name=source,
        labels=_SOURCES[source][2],
    )
    write_datalist(datalist, directory / "datalist.json")
    counts = len(datalist["training"]), len(datalist["testing"])
    logger.info("%s: %d training and %d test cases, listed in datalist.json", directory, *counts)


def check(
    datalist: str,
    dataset_dir: str | None = None,
    *,
    labels: Sequence[int] = (0, 1, 2),
    min_slices: int = 16,
    on_bad_case: OnBadCase = "error",
    repair: bool = False,
    workers: int = 2,
) -> None:
    """Read every pair of a data list and say what is wrong with it and how to mend it.

    Args:
        datalist: Path of the list.
        dataset_dir: Folder that its paths are relative to; by default its own.
        labels: Values that masks may hold.
        min_slices: Slices that a case needs.
        on_bad_case: error ends with status 1 when something is wrong, skip only tells.
        repair: Cut off a slice that image or mask has too many.
        workers: Threads.
    """
    root = Path(dataset_dir) if dataset_dir is not None else Path(datalist).parent
    content = read_datalist(datalist)
    entries = select_cases(content, dataset_dir=root)
    entries += select_cases(content, folds="testing", dataset_dir=root) if content.get("testing") else []
    limits = Limits(labels=tuple(labels), min_slices=min_slices)
    problems = find_problems(entries, limits=limits, workers=workers)
    if repair:
        differ = {problem.case_id for problem in problems if problem.kind == "shapes differ"}
        mended = [e["case_id"] for e in entries if e["case_id"] in differ and repair_slices(e)]
        logger.info("repaired %d cases: %s", len(mended), mended)
        problems = find_problems(entries, limits=limits, workers=workers) if mended else problems
    good = keep_good(entries, problems, on_bad_case=on_bad_case)
    logger.info("%d of %d cases are good", len(good), len(entries))


def _run_source(source: str, directory: Path, input_dir: str | None, *, seed: int, **options: Any) -> list[Case]:
    if source not in _SOURCES:
        raise ValueError(f"--source is '{source}', expected one of {', '.join(_SOURCES)}")
    if _SOURCES[source][0] != (input_dir is not None):
        raise ValueError(f"--source {source} {'needs' if input_dir is None else 'takes no'} --input")
    function = getattr(import_module(f"{__package__}.sources.{source}"), f"prepare_{source}")
    if input_dir is not None:
        return function(Path(input_dir), directory, **options)
    return function(directory, seed=seed, **options)


def _relative(case: Case, directory: Path) -> Case:
    return replace(case, image=case.image.relative_to(directory), label=case.label.relative_to(directory))


def main(command: Sequence[str] | None = None) -> None:
    """Run the command line; errors of the data end with status 1 and their message alone."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        fire.Fire({"prepare": prepare, "check": check}, command=command, name="python -m common.data")
    except (ValueError, OSError, RuntimeError, TypeError, json.JSONDecodeError) as error:
        sys.exit(f"error: {error}")
