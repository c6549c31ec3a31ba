"""Complete checkpoints at the end of epochs, behind the validation."""

from ignite.engine import Engine, Events
from torch.optim.lr_scheduler import LambdaLR

from .training_checkpoint import TrainingCheckpoint


class EpochCheckpoint(TrainingCheckpoint):
    """`TrainingCheckpoint` that saves every `interval` epochs, and tells the data where to go on.

    Attach it behind the validation, whose best score is part of the state. Schedules (`LambdaLR`, as MONAI's
    warm-up + cosine) go on at their step with the learning rate that the run now has.
    """

    def attach(self, engine: Engine) -> None:
        """Load at the start, save every `interval` epochs and at the end."""
        engine.add_event_handler(Events.STARTED, self.load)
        if self.writes:
            engine.add_event_handler(Events.EPOCH_COMPLETED(every=self.interval), self.save)
            engine.add_event_handler(Events.COMPLETED, self.save)

    def load(self, engine: Engine) -> None:
        """Restore the newest checkpoint, the rates of its step, and point the batch sampler at it."""
        schedules = {item: item.base_lrs for item in self.objects.values() if isinstance(item, LambdaLR)}
        super().load(engine)
        for schedule, rates in schedules.items():
            _set_rates(schedule, rates)
        engine.data_loader.batch_sampler.start = engine.state.iteration


def _set_rates(schedule: LambdaLR, base: list[float]) -> None:
    """The rates of the schedule's step, of which neither optimiser nor schedule holds a new base."""
    schedule.base_lrs = base
    for group, rate, factor in zip(schedule.optimizer.param_groups, base, schedule.lr_lambdas, strict=True):
        group["initial_lr"] = rate
        group["lr"] = rate * factor(schedule.last_epoch)
