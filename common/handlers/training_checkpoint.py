"""Complete, atomic, pruned checkpoints of a training, and going on from the newest of them.

Ignite 0.5's `Checkpoint` does not do for it, as it removes the oldest file before the new one is written, so that a
kill leaves one file less than it is to keep, and after a restart no longer knows, or removes, those of the run before.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Events
from monai.engines import Trainer
from torch import Tensor
from torch.optim import Optimizer

from ..random_states import random_states, set_random_states
from ..same_settings import require_same_settings
from ..torch_file import DamagedFileError, read_torch, write_torch
from .stop_after_step import StopAfterStep

logger = logging.getLogger(__name__)


class TrainingCheckpoint:
    """Saves all that a training needs to go on bit-equal, and loads the newest file that is whole when it starts.

    Attach it behind the handlers whose work of a step must be on disk or in memory before (losses, EMA). All ranks
    load; only the one with ``save=True`` writes. A state with a value that is NaN or infinite is not written. SIGTERM
    and Ctrl-C are a reason to save, and then end the training, see `StopAfterStep`.

    Args:
        directory: Of ``checkpoint_<step>.pt``.
        objects: What to keep, by name: anything with ``state_dict``, Ignite's EMA handler, a dictionary of such, or
            None for what a config has disabled.
        settings: What must be equal to go on: sizes, data list hash, seed. Plain values. Learning rates may differ.
        interval: Steps between two checkpoints; the last step is always kept.
        keep: Number of newest files to keep.
        save: Whether this process writes.

    Raises:
        ValueError: On start, when the newest checkpoint was made with other settings, or none can be read.
    """

    outdated: Path | None = None  # file whose state has been completed since

    def __init__(
        self,
        directory: str | Path,
        objects: Mapping[str, Any],
        *,
        settings: Mapping[str, Any],
        interval: int = 1000,
        keep: int = 2,
        save: bool = True,
    ) -> None:
        self.directory = Path(directory)
        self.objects = _flat(objects)
        self.settings = dict(settings)
        self.interval = interval
        self.keep = keep
        self.writes = save

    def attach(self, trainer: Trainer) -> None:
        """Load at the start, save every `interval` steps and at the end."""
        trainer.add_event_handler(Events.STARTED, self.load)
        if self.writes:
            trainer.add_event_handler(Events.ITERATION_COMPLETED(every=self.interval), self.save)
            trainer.add_event_handler(Events.COMPLETED, self.save)
        StopAfterStep(self.save).attach(trainer)

    def save(self, trainer: Trainer, random: dict[str, Any] | None = None) -> Path | None:
        """Write the state after this step unless it is there, then remove the oldest files; the file, None without one.

        Args:
            trainer: That has trained.
            random: States of the random generators behind the step, where they have gone on.
        """
        step = trainer.state.iteration
        path = self.directory / f"checkpoint_{step:08d}.pt"
        if (path.is_file() and path != self.outdated) or not (self.writes and step):
            return path if path.is_file() else None
        state = {
            **self.progress(trainer),
            "settings": self.settings,
            "objects": {name: item.state_dict() for name, item in self.objects.items()},
            "scaler": trainer.scaler.state_dict() if trainer.scaler else {},
            "random": random_states() if random is None else random,
        }
        if not _is_finite(state["objects"]):
            logger.error("step %d: a weight is NaN or infinite, no checkpoint is written", step)
            return None
        write_torch(state, path)
        self.outdated = None
        for old in self.files()[self.keep :]:
            old.unlink()
        return path

    def progress(self, trainer: Trainer) -> dict[str, Any]:
        """How far the training is; plain values."""
        return {"iteration": trainer.state.iteration}

    def files(self) -> list[Path]:
        """Checkpoints there are, newest first."""
        return sorted(self.directory.glob("checkpoint_*.pt"), reverse=True)

    def load(self, trainer: Trainer) -> None:
        """Restore the newest checkpoint that can be read; where there are none, start afresh."""
        for path in (files := self.files()):
            try:
                state = read_torch(path, map_location=trainer.state.device)
            except (DamagedFileError, OSError) as error:
                logger.warning("%s; trying the one before", error)
                continue
            remedy = "Use the settings it was made with to go on, or another --output_dir to start afresh."
            require_same_settings(state["settings"], self.settings, source=path, remedy=remedy)
            for name, item in self.objects.items():
                if name in state["objects"]:
                    _load(item, state["objects"][name])
                else:
                    logger.warning("%s, of an earlier version, knows nothing of %s: it begins anew", path, name)
            if state["scaler"] and trainer.scaler:  # empty where the run before had no fp16
                trainer.scaler.load_state_dict(state["scaler"])
            set_random_states(state["random"])
            trainer.state.iteration = state["iteration"]
            trainer.state.epoch = state["iteration"] // trainer.state.epoch_length
            self.restored(state, path)
            logger.info("going on from %s, after step %d", path, trainer.state.iteration)
            return
        if files:
            raise DamagedFileError(
                f"none of the {len(files)} checkpoints in {self.directory} can be read, such as {files[0]}: put whole "
                "copies in their place, or move them away to start afresh"
            )

    def restored(self, state: Mapping[str, Any], path: Path) -> None:
        """Take up what `progress` says beside the step."""


def _load(item: Any, state: Mapping[str, Any]) -> None:
    """Restore ``item``; an optimiser keeps the learning rates it was made with, so that a run may go on with others."""
    rates = [group["lr"] for group in item.param_groups] if isinstance(item, Optimizer) else []
    item.load_state_dict(state)
    for group, rate in zip(item.param_groups if rates else [], rates, strict=True):
        group["lr"] = rate


def _flat(objects: Mapping[str, Any]) -> dict[str, Any]:
    """Objects with a ``state_dict`` by dotted name."""
    flat: dict[str, Any] = {}
    for name, item in objects.items():
        if isinstance(item, Mapping):
            flat |= {f"{name}.{key}": value for key, value in _flat(item).items()}
        elif item is not None:
            flat[name] = getattr(item, "ema_model", item)
    return flat


def _is_finite(value: Any) -> bool:
    if isinstance(value, Tensor):
        return not value.is_floating_point() or bool(torch.isfinite(value).all())
    if isinstance(value, Mapping):
        return all(_is_finite(item) for item in value.values())
    return all(_is_finite(item) for item in value) if isinstance(value, list | tuple) else True
