import pytest
import torch
from ignite.engine import Engine, Events
from torch import nn

from common.handlers.learning_rate_ramp import LearningRateRamp, warm_and_cool

POINTS = {1: 0.1, 5: 0.5, 7: 0.5, 9: 0.1}
RATES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5, 0.3, 0.1, 0.1]  # of the steps 1 to 10


def optimizer(groups=1):
    return torch.optim.SGD([{"params": [nn.Parameter(torch.zeros(1))]} for _ in range(groups)], lr=9.0)


def rates(chosen, points, *, last=10, first=1):
    """Rates of all groups at each step of a run that goes on behind step `first` - 1."""
    seen = []
    engine = Engine(lambda engine, _: seen.append([group["lr"] for group in chosen.param_groups]))
    engine.add_event_handler(Events.STARTED, lambda engine: setattr(engine.state, "iteration", first - 1))
    LearningRateRamp(chosen, points).attach(engine)
    engine.run([0] * last, max_epochs=1)
    return seen


def test_rates_lie_between_the_points_and_stay_outside():
    found = rates(optimizer(groups=2), POINTS)
    assert [pair[0] for pair in found] == pytest.approx(RATES)
    assert all(a == b for a, b in found)


def test_the_order_in_which_points_are_named_is_no_matter():
    found = rates(optimizer(), dict(reversed(POINTS.items())))
    assert [rate for (rate,) in found] == pytest.approx(RATES)


def test_a_run_that_goes_on_takes_the_rates_it_is_given_now():
    old, new = optimizer(), optimizer()
    rates(old, POINTS, last=6)
    new.load_state_dict(old.state_dict())
    found = rates(new, {step: 2 * rate for step, rate in POINTS.items()}, first=7)
    assert [rate for (rate,) in found] == pytest.approx([2 * rate for rate in RATES[6:]])


@pytest.mark.parametrize(
    ("last", "options", "expected"),
    [
        (8000, {}, {1: 0.02, 101: 1, 4800: 1, 8000: 0.02}),
        (8000, {"warm_up": 0, "cool_down": 0.25}, {1: 1, 6000: 1, 8000: 0.02}),
        (4, {}, {1: 0.02, 3: 1, 4: 0.02}),  # half of the run is the longest rise
        (1, {}, {1: 0.02}),
    ],
)
def test_a_rate_warms_up_and_cools_down(last, options, expected):
    assert warm_and_cool(1.0, last=last, **options) == pytest.approx(expected)


def test_without_points_there_is_no_rate():
    with pytest.raises(ValueError, match="points of the learning rate are empty"):
        LearningRateRamp(optimizer(), {})
