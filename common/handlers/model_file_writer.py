"""The trained generator with what is needed to use it and to know where it comes from."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from torch import nn

from ..networks.model_file import read_model_file, write_model_file


class ModelFileWriter:
    """Writes `path` every `interval` steps and at the end: ``{"model": state_dict, "settings": …, "training": …}``.

    Args:
        path: Usually ``output_dir/model.pt``.
        network: The generator, or its moving average.
        settings: What the network and its outputs are built with (size, widths, pairing, HU window); plain values.
        training: Tells what it was trained on (`training_record`); the step is added.
        interval: Steps between two writes.
    """

    def __init__(
        self,
        path: str | Path,
        network: nn.Module,
        *,
        settings: Mapping[str, Any],
        training: Callable[[], Mapping[str, Any]],
        interval: int = 1000,
    ) -> None:
        self.path = Path(path)
        self.network = network
        self.settings = dict(settings)
        self.training = training
        self.interval = interval

    def attach(self, engine: Engine) -> None:
        """Write every `interval` steps and at the end, and at the start what a kill has kept from being written."""
        engine.add_event_handler(Events.STARTED, self.make_up)
        engine.add_event_handler(Events.ITERATION_COMPLETED(every=self.interval), self.write)
        engine.add_event_handler(Events.COMPLETED, self.write)

    def make_up(self, engine: Engine) -> None:
        """Write the network of the checkpoint that was just loaded, unless its file is there."""
        step = engine.state.iteration
        if step and step % self.interval == 0 and self._written() != step:
            self.write(engine)

    def _written(self) -> int | None:
        """Step of the file that is there."""
        try:
            return read_model_file(self.path)["training"].get("step")
        except (OSError, ValueError):  # none, or one that cannot be read
            return None

    def write(self, engine: Engine) -> None:
        """Write the network as it is now."""
        training = {**self.training(), "step": engine.state.iteration}
        write_model_file(self.path, self.network, settings=self.settings, training=training)
