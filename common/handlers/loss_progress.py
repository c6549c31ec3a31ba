"""Progress bar over the steps, with the losses."""

from collections.abc import Callable, Mapping
from typing import Any

from ignite.engine import Engine

from .run_progress import RunProgress


class LossProgress(RunProgress):
    """Ignite's progress bar that shows the losses when a config hands it to an engine (`attach` without more).

    Args:
        output_transform: From ``state.output`` to the losses by name, numbers.
        kwargs: As for Ignite's bar.
    """

    def __init__(self, *, output_transform: Callable[[Any], Mapping[str, float]] = dict, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_transform = output_transform

    def attach(self, engine: Engine, *args: Any, **kwargs: Any) -> None:  # type: ignore[override] # as Ignite's own bar
        """Show the losses of each step."""
        super().attach(engine, *args, **{"output_transform": self.output_transform, **kwargs})
