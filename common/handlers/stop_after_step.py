"""The end of a training that was told to end: its state is kept first."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ignite.distributed as idist
from ignite.engine import Events
from monai.engines import Trainer

from ..random_states import random_states
from ..stopping import STOP_SIGNALS


class StopAfterStep:
    """Ends the training behind the step in which SIGTERM or Ctrl-C comes, once `keep` has written its state.

    When the signal comes between two steps, as in a validation, that is at once, with the state behind the last step.
    Several processes end behind the same step, whichever was told to. Attach it behind all that is part of the state.

    Args:
        keep: Writes the state behind this step, given the random states of then; returns its file, or None where
            nothing was written.
    """

    def __init__(self, keep: Callable[[Trainer, dict[str, Any]], Path | None]) -> None:
        self.keep = keep
        self._random: dict[str, Any] | None = None  # behind the last step; None in a step

    def attach(self, trainer: Trainer) -> None:
        """Listen from the start, behind whatever is loaded then, to the end."""
        trainer.add_event_handler(Events.STARTED, self.begin)
        trainer.add_event_handler(Events.GET_BATCH_COMPLETED, self.enter)  # before the step gets its number
        trainer.add_event_handler(Events.ITERATION_COMPLETED, self.leave)
        trainer.add_event_handler(Events.COMPLETED, self.end)

    def begin(self, trainer: Trainer) -> None:
        """From now on a signal would lose something."""
        self._random = random_states()
        STOP_SIGNALS.keep = lambda: self._between(trainer)

    def enter(self, _: Trainer) -> None:
        """A step has begun: the networks are about to change one after another."""
        self._random = None

    def leave(self, trainer: Trainer) -> None:
        """A step has ended: end here, if that was asked for."""
        number = STOP_SIGNALS.number
        if idist.get_world_size() > 1:
            number = int(idist.all_reduce(float(number), op="MAX"))
        self._random = random_states()
        if number:
            STOP_SIGNALS.number = number
            STOP_SIGNALS.end(self._kept(trainer, self._random))

    def end(self, _: Trainer) -> None:
        """All is written; a signal ends what comes behind the training at once."""
        STOP_SIGNALS.keep = None

    def _between(self, trainer: Trainer) -> str | None:
        if self._random is None or idist.get_world_size() > 1:
            return None
        return self._kept(trainer, self._random)

    def _kept(self, trainer: Trainer, random: dict[str, Any]) -> str:
        path = self.keep(trainer, random)
        idist.barrier()  # no process ends, and is missed, while the first one writes
        if idist.get_rank():
            return ""
        where = f"its state is in {path}, and the same command goes on from there" if path else "no state was written"
        return f"ended behind step {trainer.state.iteration}; {where}"
