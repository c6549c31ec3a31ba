"""Progress bar over the steps, with the losses."""

from typing import Any

from ignite.engine import Engine
from ignite.handlers import ProgressBar


class LossProgress(ProgressBar):
    """Ignite's progress bar that shows ``state.output`` when a config hands it to an engine (`attach` without more)."""

    def attach(self, engine: Engine, *args: Any, **kwargs: Any) -> None:
        """Show the losses of each step."""
        super().attach(engine, *args, **{"output_transform": dict, **kwargs})
