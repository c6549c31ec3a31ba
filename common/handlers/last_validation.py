"""A validation after the last epoch, whatever the interval."""

from ignite.engine import Engine, Events
from monai.handlers import ValidationHandler


class LastValidation(ValidationHandler):
    """Validates after the last epoch unless `ValidationHandler` of the same `interval` just did."""

    def attach(self, engine: Engine) -> None:
        """Look at the end of each epoch, before the checkpoint is written."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Engine) -> None:
        """Validate if this epoch is the last and no multiple of the interval."""
        if engine.state.epoch == engine.state.max_epochs and engine.state.epoch % self.interval:
            super().__call__(engine)
