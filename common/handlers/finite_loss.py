"""Stops a training whose loss is no number any more."""

import math
from typing import Any

from ignite.engine import Engine, Events

from ..engines.adversarial_trainer import NonFiniteLossError


class FiniteLoss:
    """Raises at the step whose ``state.output["loss"]`` is NaN or infinite; attach it before what saves.

    Raises:
        NonFiniteLossError: on that step.
    """

    def attach(self, engine: Engine) -> None:
        """Look at each step."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.check)

    def check(self, engine: Engine) -> None:
        """Raise if the loss of this step is not finite."""
        output: Any = engine.state.output  # Ignite 0.5.5 annotates it as a number
        loss = output["loss"].item()
        if not math.isfinite(loss):
            raise NonFiniteLossError(
                f"the loss at step {engine.state.iteration} is {loss}: the last checkpoint, from before, is kept. "
                "Start the same command with a lower --lr or --amp off, and it goes on from there; or look at the data"
            )
