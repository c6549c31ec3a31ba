"""Evaluating a reader study: CSV files, `metrics.json` and a page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import files
from .results_page import write_results_page
from .statistics import StudyStatistics, study_statistics, volume_means
from .store import Store

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_results(database: str | Path, directory: str | Path) -> StudyStatistics:
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
    readers = []
    for name, values in statistics["readers"].items():
        low, high = values["accuracy_interval"] or (None, None)
        row = {"reader": name, **values, "accuracy_low": low, "accuracy_high": high}
        del row["accuracy_interval"]
        readers.append(row)
    write_csv(readers, directory / "readers.csv")
    files.write_json({"settings": settings, "volumes": count, **statistics}, directory / "metrics.json")
    write_results_page(rows, statistics, directory / "results.html", settings=settings, count=count)
    return statistics


def write_csv(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Table of `rows`; text that a spreadsheet would run as a formula gets an apostrophe in front."""
    harmless = [
        {
            key: f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
            for key, value in row.items()
        }
        for row in rows
    ]
    files.write_csv(harmless, path)
