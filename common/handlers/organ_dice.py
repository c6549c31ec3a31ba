"""Dice of each organ over a validation, as a file."""

from collections.abc import Sequence
from pathlib import Path

from ignite.engine import Engine, Events

from ..files import write_json


class OrganDice:
    """Ignite handler that writes the mean Dice of each organ and their mean to a JSON file when an evaluation ends.

    Args:
        path: Of the file.
        organs: Names, in the order of the channels.
        metric: Name of MONAI's `MeanDice` in ``state.metrics``, with reduction ``mean_batch``: cases in which an organ
            was not contoured are left out of its mean.
    """

    def __init__(self, path: str | Path, *, organs: Sequence[str], metric: str = "dice") -> None:
        self.path = Path(path)
        self.organs = list(organs)
        self.metric = metric

    def attach(self, engine: Engine) -> None:
        """Write at the end."""
        engine.add_event_handler(Events.COMPLETED, self.write)

    def write(self, engine: Engine) -> None:
        """Write what this evaluation found."""
        dice = {
            name: round(float(d), 4) for name, d in zip(self.organs, engine.state.metrics[self.metric], strict=True)
        }
        write_json({"dice": dice, "mean": round(sum(dice.values()) / len(dice), 4)}, self.path)
