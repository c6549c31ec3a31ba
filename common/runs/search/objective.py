"""What a search reads from a trial's files: its objective, and the series by which it is pruned."""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from ...files import read_json

Direction = Literal["minimize", "maximize"]


@dataclass(frozen=True)
class Objective:
    """A number in a JSON file.

    Attributes:
        key: Dotted path, such as ``scores.fid/pair/organs.value``; numbers index lists.
        file: In which ``{trial_dir}`` stands for the trial's folder.
        direction: What is better.

    Raises:
        ValueError: Another direction.
    """

    key: str
    file: str = "{trial_dir}/evaluating/metrics.json"
    direction: Direction = "minimize"

    def __post_init__(self) -> None:
        if self.direction not in get_args(Direction):
            raise ValueError(f"direction '{self.direction}': expected {' or '.join(get_args(Direction))}")

    def read(self, folder: Path) -> float:
        """Its value in a finished trial.

        Raises:
            ValueError: There is no such file or key, or no finite number at it.
        """
        numbers = self.numbers(folder)
        value = numbers.get(self.key)
        path = self._path(folder)
        if value is None:
            raise ValueError(f"{path} has no number at {self.key}; there is {', '.join(numbers) or 'none'}")
        if not math.isfinite(value):
            raise ValueError(f"{path} has {value} at {self.key}")
        return value

    def numbers(self, folder: Path) -> dict[str, float]:
        """All numbers of the file, by key.

        Raises:
            ValueError: There is no such file.
        """
        path = self._path(folder)
        if not path.is_file():
            raise ValueError(f"no {path}: the steps must leave the objective's file")
        return dict(_numbers(read_json(path, remedy=f"remove {folder}, and the trial is run again")))

    def _path(self, folder: Path) -> Path:
        return Path(self.file.replace("{trial_dir}", str(folder)))


def _numbers(content: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Dotted path and value of each number."""
    if isinstance(content, dict | list):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for key, item in items:
            yield from _numbers(item, f"{path}.{key}" if path else str(key))
    elif isinstance(content, int | float) and not isinstance(content, bool):
        yield path, float(content)


@dataclass(frozen=True)
class Series:
    """A score that grows with a trial, better or worse in the objective's direction.

    Attributes:
        column: Of a CSV file, or key of the rows of a JSON list.
        file: In which ``{trial_dir}`` stands for the trial's folder.
        step: Column of the step; by default the rows are counted.
    """

    column: str
    file: str
    step: str | None = None

    def read(self, folder: Path) -> dict[int, float]:
        """Step → score of what there is so far; lines that are not whole yet, or hold no number, are left out.

        Raises:
            ValueError: The file has rows, but no such column.
        """
        path = Path(self.file.replace("{trial_dir}", str(folder)))
        rows = _rows(path)
        if rows and not {self.column, self.step or self.column} <= set(rows[0]):
            raise ValueError(f"{path} has the columns {', '.join(rows[0])}, not {self.column} by {self.step}")
        series = {}
        for number, row in enumerate(rows):
            step, score = _number(row.get(self.step) if self.step else number), _number(row[self.column])
            if step is not None and score is not None:
                series[int(step)] = score
        return series


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    if path.suffix == ".json":
        return read_json(path, remedy="the step that writes it must write it whole")
    lines = path.read_text().splitlines(keepends=True)
    return list(csv.DictReader(line for line in lines if line.endswith("\n")))


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
