"""The cases of a data list and of a generated set, with what is known of each."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..data.cases_beside import cases_beside
from ..data.flagged import Flag, pair_origins
from ..data.generated_set import GeneratedSet
from ..files import read_json

Side = Literal["real", "generated"]
CASES_FILE = "cases.csv"
NEAREST, DISTANCE, COPY = "nearest/", "distance/", "copy/"  # begin the evaluation's columns, a space's name follows
_NAMES = ("set", "case_id", "centre")


class Neighbour(NamedTuple):
    """The training case that is nearest to a generated one in a space, and the distance below which it is a copy."""

    space: str
    case_id: str
    distance: float
    threshold: float | None


@dataclass(frozen=True)
class ShownCase:
    """A case on the page.

    Attributes:
        side: Where it is from.
        entry: Of its list, with absolute paths.
        scores: Name → number.
        neighbours: Nearest training cases, one a space; none without an evaluation.
        origin: What it is flagged as; None for real cases, and where nothing tells how a pair was made.
    """

    side: Side
    entry: Mapping[str, Any]
    scores: Mapping[str, float] = field(default_factory=dict)
    neighbours: Sequence[Neighbour] = ()
    origin: Flag | None = None

    @property
    def case_id(self) -> str:
        """Of the entry."""
        return str(self.entry["case_id"])


def shown_cases(
    real: Sequence[Mapping[str, Any]],
    generated: GeneratedSet | None,
    *,
    datalist: Mapping[str, Any],
    evaluation: str | Path | None = None,
    scores: Sequence[str | Path] = (),
) -> list[ShownCase]:
    """Generated cases, then real ones, each in the order of its list.

    Args:
        real: Entries with absolute paths.
        generated: The set; None shows real cases alone.
        datalist: That `real` is from.
        evaluation: ``output_dir`` of ``run evaluating``, whose ``cases.csv`` has scores and nearest training cases.
        scores: Further tables with a column ``case_id``; numbers in their other columns become scores.

    Raises:
        FileNotFoundError: A table is missing.
        ValueError: A table has no column ``case_id``.
        LeakageError: A case is on both sides.
    """
    tables = [_read_table(path) for path in scores]
    thresholds: dict[str, float] = {}
    if evaluation is not None:
        remedy = "name the output_dir of `run evaluating` on this set with --evaluation_dir"
        tables.insert(0, _read_table(Path(evaluation) / CASES_FILE, remedy=remedy))
        rows = read_json(Path(evaluation) / "metrics.json", remedy=remedy, keys=("scores",))["scores"]
        thresholds = {
            key.removeprefix("memorisation/"): row["threshold"]
            for key, row in rows.items()
            if key.startswith("memorisation/")
        }
    origins = pair_origins(generated)
    sides: list[tuple[Side, Iterable[Mapping[str, Any]]]] = [
        ("generated", cases_beside(generated, datalist) if generated else ()),
        ("real", real),
    ]
    shown = []
    for side, entries in sides:
        for entry in entries:
            row: dict[str, str] = {}
            for table in tables:
                row |= table.get((side, entry["case_id"])) or table.get(("", entry["case_id"])) or {}
            numbers = {name: number for name, text in row.items() if (number := _number(text)) is not None}
            neighbours = [
                Neighbour(space, row[name], numbers[DISTANCE + space], thresholds.get(space))
                for name in row
                if name.startswith(NEAREST) and (space := name.removeprefix(NEAREST)) and DISTANCE + space in numbers
            ]
            kept = {name: number for name, number in numbers.items() if not name.startswith((NEAREST, COPY))}
            shown.append(ShownCase(side, entry, kept, neighbours, origins.get(entry["case_id"])))
    return shown


def _read_table(
    path: str | Path, *, remedy: str = "name a CSV file with a case_id for each row"
) -> dict[tuple[str, str], dict[str, str]]:
    """(set, case id) → row without those; the set is "" in tables that know of none."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"no table at {path}: {remedy}")
    with Path(path).open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        if "case_id" not in (reader.fieldnames or ()):
            found = ", ".join(reader.fieldnames or ()) or "nothing"
            raise ValueError(f"{path} has the columns {found}, expected case_id among them: {remedy}")
        return {
            (row.get("set") or "", row["case_id"]): {
                str(name): text for name, text in row.items() if name not in _NAMES and isinstance(text, str)
            }
            for row in reader
        }


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None  # NaN is no number, and JSON knows neither
