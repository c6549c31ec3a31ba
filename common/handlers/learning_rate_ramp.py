"""A learning rate that rises, stays and falls, as a pure function of the step."""

from collections.abc import Mapping

import numpy as np
from ignite.engine import Engine, Events
from torch.optim import Optimizer


class LearningRateRamp:
    """Sets the rate of `optimizer` before each step, interpolated between the steps of `points`.

    Ignite's ``PiecewiseLinear`` counts events itself, and so does torch's ``LambdaLR``: both must be kept in
    checkpoints, and bring the old rates back when a run goes on with others. This one needs no state.

    Args:
        optimizer: All its groups get the same rate.
        points: Step to rate; before the first and behind the last the rate stays.

    Raises:
        ValueError: There is no point.
    """

    def __init__(self, optimizer: Optimizer, points: Mapping[int, float]) -> None:
        if not points:
            raise ValueError("points of the learning rate are empty, expected a step and its rate at least")
        self.optimizer = optimizer
        self.steps = sorted(points)
        self.rates = [points[step] for step in self.steps]

    def attach(self, engine: Engine) -> None:
        """Set the rate at the beginning of each step."""
        engine.add_event_handler(Events.ITERATION_STARTED, self.set)

    def set(self, engine: Engine) -> None:
        """Set the rate of this step."""
        for group in self.optimizer.param_groups:
            group["lr"] = float(np.interp(engine.state.iteration, self.steps, self.rates))


def warm_and_cool(rate: float, *, last: int, warm_up: int = 100, cool_down: float = 0.4) -> dict[int, float]:
    """Points of a rate for steps 1 to `last`: up within `warm_up` steps, down to a fiftieth in the last `cool_down`."""
    top = min(warm_up, last // 2) + 1
    return {1: rate / 50, top: rate, max(top, round(last * (1 - cool_down))): rate, last: rate / 50}
