"""Losses of every step as a CSV file, and their diagram at the end."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from ignite.engine import Engine, Events

from ..files import naming, replacing
from ..reports.loss_curves import plot_losses


class LossCSV:
    """Writes ``step`` and the losses of ``state.output`` to `path` a step, and the loss diagram beside it at the end.

    A loss that a step does not have is left empty there.

    A run that goes on from a checkpoint first drops the rows behind it, so that the file is that of an uninterrupted
    run. Attach it before `TrainingCheckpoint`: the rows of a checkpoint must be on disk when it is written.

    Args:
        path: Of the CSV file; the diagram is `path` with the suffix ``.png``.
        alpha: Of the moving average in the diagram (thesis 3.9.1).
        output_transform: From ``state.output`` to the losses by name, numbers.
    """

    def __init__(
        self, path: str | Path, *, alpha: float = 0.001, output_transform: Callable[[Any], Mapping[str, float]] = dict
    ) -> None:
        self.path = Path(path)
        self.alpha = alpha
        self.output_transform = output_transform
        self._file: TextIO | None = None
        self._names: list[str] = []

    def attach(self, engine: Engine) -> None:
        """Write at each step; close and draw at the end."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.write)
        engine.add_event_handler(Events.COMPLETED, self.close)

    def write(self, engine: Engine) -> None:
        """Append the losses of this step."""
        row = {"step": engine.state.iteration, **self.output_transform(engine.state.output)}
        with naming(self.path):
            if self._file is None or not row.keys() <= set(self._names):
                self._file = self._reopened(row)
            csv.DictWriter(self._file, self._names, lineterminator="\n").writerow(row)

    def _reopened(self, first: Mapping[str, float]) -> TextIO:
        """The file with the whole rows of steps before `first`, and columns for it, to append to."""
        if self._file is not None:
            self._file.close()
        kept: list[dict[str, str]] = []
        if self.path.is_file():
            with self.path.open(newline="") as file:  # the last row of an earlier run may have been cut by a kill
                whole = [row for row in csv.DictReader(file) if None not in row.values() and row["step"].isdigit()]
            kept = [row for row in whole if int(row["step"]) < first["step"]]
        self._names = list({**(kept[0] if kept else {}), **first})
        with replacing(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, self._names, lineterminator="\n")
            writer.writeheader()
            writer.writerows(kept)
        return self.path.open("a", newline="", buffering=1)  # a line at a time: nothing is lost when killed

    def close(self, engine: Engine) -> None:
        """Close the file and draw the diagram."""
        if self._file is not None:
            self._file.close()
            self._file = None
        if self.path.is_file():
            plot_losses(self.path, self.path.with_suffix(".png"), alpha=self.alpha)
