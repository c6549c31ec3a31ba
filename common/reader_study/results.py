"""Evaluating a reader study: CSV files, `metrics.json` and a page."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..files import replacing, write_json
from .results_page import write_results_page
from .statistics import study_statistics, volume_means
from .store import Store

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_results(database: str | Path, directory: str | Path) -> dict[str, Any]:
    """Statistics of the answers given so far.

    Writes ``answers.csv``, ``volumes.csv``, ``readers.csv``, ``metrics.json`` and ``results.html`` to `directory`.

    Raises:
        FileNotFoundError: There is no study.
        ValueError: Nobody has answered yet.
    """
    directory = Path(directory)
    with Store(database) as store:
        rows, settings, count = store.all_answers(), store.settings(), len(store.items())
    if not rows:
        raise ValueError(f"{database} holds no answers yet: `run reader_study` and let somebody read")
    statistics = study_statistics(rows)
    write_csv(rows, directory / "answers.csv")
    write_csv(volume_means(rows), directory / "volumes.csv")
    write_csv([_flat(name, values) for name, values in statistics["readers"].items()], directory / "readers.csv")
    write_json({"settings": settings, "volumes": count, **statistics}, directory / "metrics.json")
    write_results_page(rows, statistics, directory / "results.html", settings=settings, count=count)
    return statistics


def _flat(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Row of a reader, the interval as two columns."""
    low, high = values["accuracy_interval"] or (None, None)
    row = {"reader": name, **values, "accuracy_low": low, "accuracy_high": high}
    return {key: value for key, value in row.items() if key != "accuracy_interval"}


def write_csv(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Table of `rows`; text that a spreadsheet would run as a formula gets an apostrophe in front."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({key: _harmless(value) for key, value in row.items()} for row in rows)


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
