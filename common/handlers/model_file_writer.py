"""The trained generator with what is needed to use it and to know where it comes from."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events
from torch import nn

from ..networks.model_file import write_model_file


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
        """Write every `interval` steps and at the end."""
        engine.add_event_handler(Events.ITERATION_COMPLETED(every=self.interval), self.write)
        engine.add_event_handler(Events.COMPLETED, self.write)

    def write(self, engine: Engine) -> None:
        """Write the network as it is now."""
        training = {**self.training(), "step": engine.state.iteration}
        write_model_file(self.path, self.network, settings=self.settings, training=training)
