"""Complete checkpoints at the end of epochs, behind the validation."""

from typing import Any

from ignite.engine import Events
from monai.engines import Trainer
from torch.optim.lr_scheduler import LambdaLR

from .training_checkpoint import TrainingCheckpoint


class EpochCheckpoint(TrainingCheckpoint):
    """`TrainingCheckpoint` that saves every `interval` epochs, and tells the data where to go on.

    Attach it behind the validation, whose best score is part of the state. Schedules (`LambdaLR`, as MONAI's
    warm-up + cosine) go on at their step with the learning rate that the run now has.
    """

    def attach(self, trainer: Trainer) -> None:
        """Load at the start, save every `interval` epochs and at the end."""
        trainer.add_event_handler(Events.STARTED, self.load)
        if self.writes:
            trainer.add_event_handler(Events.EPOCH_COMPLETED(every=self.interval), self.save)
            trainer.add_event_handler(Events.COMPLETED, self.save)

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
