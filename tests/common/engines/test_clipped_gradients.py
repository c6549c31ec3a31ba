import pytest
import torch
from torch import nn

from common.engines.clipped_gradients import clip_gradients


def step(limit, gradients):
    """Where gradient descent of rate 1 goes from 0, of two parameters in groups of their own."""
    weights = [nn.Parameter(torch.zeros(1)) for _ in gradients]
    optimizer = torch.optim.SGD([{"params": [weight]} for weight in weights], lr=1.0)
    assert clip_gradients(optimizer, limit) is optimizer
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = torch.tensor([gradient])
    optimizer.step()
    return [weight.item() for weight in weights]


@pytest.mark.parametrize(
    ("limit", "gradients", "expected"),
    [(1.0, [3.0, 4.0], [-0.6, -0.8]), (10.0, [3.0, 4.0], [-3, -4]), (None, [30.0, 40.0], [-30, -40])],
)
def test_the_joint_norm_is_bounded_and_shorter_gradients_stay(limit, gradients, expected):
    assert step(limit, gradients) == pytest.approx(expected, rel=1e-5)


def test_the_state_knows_nothing_of_it():
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(1))])
    known = optimizer.state_dict()
    assert clip_gradients(optimizer, 1.0).state_dict() == known


@pytest.mark.parametrize("limit", [0, -1.0, float("nan")])
def test_other_limits_are_refused(limit):
    with pytest.raises(ValueError, match=r"limit of the gradients is .*, expected a positive number"):
        clip_gradients(torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1), limit)
