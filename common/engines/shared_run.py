"""Run of an evaluator whose data are shared out over processes."""

from ignite.engine import Events
from monai.engines import Evaluator


def shared_run(evaluator: Evaluator) -> None:
    """Run `evaluator`; a process without any data fires the first and the last event alone.

    Handlers that bring together what all processes made wait for each of them; MONAI's run of an empty loader would
    leave them waiting.
    """
    if evaluator.state.epoch_length:
        evaluator.run()
    else:
        evaluator.fire_event(Events.STARTED)
        evaluator.fire_event(Events.COMPLETED)
