"""The trained generator with what is needed to use it and to know where it comes from."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from torch import nn

from ..files import replacing


class ModelFile:
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
        state = {name: value.detach().cpu() for name, value in self.network.state_dict().items()}
        training = {**self.training(), "step": engine.state.iteration}
        with replacing(self.path) as temporary:
            torch.save({"model": state, "settings": self.settings, "training": training}, temporary)


def read_model_file(path: str | Path) -> dict[str, Any]:
    """Content of a file that `ModelFile` wrote, on the CPU.

    Raises:
        FileNotFoundError: There is none; the message says how to get one.
        ValueError: It is something else.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"no trained model at {path}: train one (`run training`, which leaves output_dir/model.pt) and name it "
            "with --checkpoint"
        )
    content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)  # weights are read when used
    missing = {"model", "settings", "training"} - set(content)
    if missing:
        raise ValueError(
            f"{path} has the keys {sorted(content)[:5]}, expected model, settings and training: name the model.pt of a "
            "training here, not a checkpoint or a bare state dict"
        )
    return content


def read_settings(path: str | Path, *, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """`defaults`, replaced by what the model file says, where it is there: its settings and the training spacing."""
    if not Path(path).is_file():
        return dict(defaults)
    content = read_model_file(path)
    return {**defaults, **content["settings"], "spacing": content["training"]["spacing"]}
