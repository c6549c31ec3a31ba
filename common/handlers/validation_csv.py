"""Score of every validation as a CSV file."""

import csv
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from ..files import write_csv


class ValidationCSV:
    """Writes a row ``epoch, <metric>`` to `path` when a validation ends; attach it to the evaluator.

    A run that goes on from a checkpoint drops the rows of epochs that it trains again, so that the file is that of an
    uninterrupted run.

    Args:
        path: Of the file.
        metric: Name in ``state.metrics``.
    """

    def __init__(self, path: str | Path, *, metric: str = "dice") -> None:
        self.path = Path(path)
        self.metric = metric

    def attach(self, engine: Engine) -> None:
        """Write at the end of each validation."""
        engine.add_event_handler(Events.COMPLETED, self.write)

    def write(self, engine: Engine) -> None:
        """Add what this validation found."""
        epoch = engine.state.epoch
        rows: list[dict[str, Any]] = []
        if self.path.is_file():
            with self.path.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if int(row["epoch"]) < epoch]
        rows.append({"epoch": epoch, self.metric: round(float(engine.state.metrics[self.metric]), 6)})
        write_csv(rows, self.path)
