"""Complete checkpoints at the end of epochs, behind the validation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ignite.engine import Events
from monai.engines import Trainer
from torch.optim.lr_scheduler import LambdaLR

from .stop_after_step import StopAfterStep
from .training_checkpoint import TrainingCheckpoint


class EpochCheckpoint(TrainingCheckpoint):
    """`TrainingCheckpoint` that saves every `interval` epochs, and tells the data where to go on.

    Attach it behind the validation, whose best score is part of the state. Schedules (`LambdaLR`, as MONAI's
    warm-up + cosine) go on at their step with the learning rate that the run now has. A run that was told to end before
    the validation of its last epoch was over validates first when it goes on.
    """

    _ended = 0  # last epoch whose end, with its validation, is over
    _open: Path | None = None  # the loaded checkpoint, when it was written before that

    def attach(self, trainer: Trainer) -> None:
        """Load at the start, save every `interval` epochs and at the end."""
        trainer.add_event_handler(Events.STARTED, self.load)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, self._note_end)
        if self.writes:
            trainer.add_event_handler(Events.EPOCH_COMPLETED(every=self.interval), self.save)
            trainer.add_event_handler(Events.COMPLETED, self.save)
        StopAfterStep(self.save).attach(trainer)
        trainer.add_event_handler(Events.STARTED, self._make_up_the_end)

    def progress(self, trainer: Trainer) -> dict[str, Any]:
        """How far the training is, and whether the end of this epoch is still to come."""
        epoch, rest = divmod(trainer.state.iteration, trainer.state.epoch_length)
        return {**super().progress(trainer), "epoch_is_open": not rest and self._ended < epoch}

    def load(self, trainer: Trainer) -> None:
        """Restore the newest checkpoint, the rates of its step, and point the batch sampler at it."""
        schedules = {item: item.base_lrs for item in self.objects.values() if isinstance(item, LambdaLR)}
        super().load(trainer)
        for schedule, rates in schedules.items():  # neither optimiser nor schedule holds a new base of its step's rates
            schedule.base_lrs = rates
            for group, rate, factor in zip(schedule.optimizer.param_groups, rates, schedule.lr_lambdas, strict=True):
                group["initial_lr"] = rate
                group["lr"] = rate * factor(schedule.last_epoch)
        loader: Any = trainer.data_loader  # Ignite takes any iterable; here it has a `StepBatchSampler`
        loader.batch_sampler.start = trainer.state.iteration
        self._ended = trainer.state.epoch - bool(self._open)

    def restored(self, state: Mapping[str, Any], path: Path) -> None:
        """Remember a checkpoint whose epoch is open; those of earlier versions never are."""
        self._open = path if state.get("epoch_is_open") else None

    def _make_up_the_end(self, trainer: Trainer) -> None:
        if self._open:
            trainer.fire_event(Events.EPOCH_COMPLETED)

    def _note_end(self, trainer: Trainer) -> None:
        self._ended = trainer.state.epoch
        self.outdated, self._open = self._open, None
