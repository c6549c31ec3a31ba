import pytest
import torch
from torch import nn

from common.losses.weight_clipping import clip_weights

OPTIMIZERS = {"sgd": torch.optim.SGD, "rmsprop": torch.optim.RMSprop, "adam": torch.optim.Adam}


def step(layer, optimizer):
    optimizer.zero_grad()
    layer(torch.ones(1, layer.in_features)).sum().backward()
    optimizer.step()


def test_values_worked_out_by_hand():
    """Gradient 1 everywhere, lr 1: 0.3, 1.0, 5.0 become -0.7, 0, 4, of which 0.5 keeps the middle one only."""
    layer = nn.Linear(3, 1, bias=False)
    layer.weight.data = torch.tensor([[0.3, 1.0, 5.0]])
    step(layer, clip_weights(torch.optim.SGD(layer.parameters(), lr=1.0), 0.5))
    torch.testing.assert_close(layer.weight.data, torch.tensor([[-0.5, 0.0, 0.5]]))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_group_is_clipped_after_every_step(name):
    body, head = nn.Linear(4, 4), nn.Linear(4, 1)
    optimizer = OPTIMIZERS[name]([{"params": body.parameters()}, {"params": head.parameters(), "lr": 5.0}], lr=10.0)
    assert clip_weights(optimizer, 0.01) is optimizer
    network = nn.Sequential(body, head)
    for _ in range(3):
        optimizer.zero_grad()
        network(torch.ones(1, 4)).sum().backward()
        optimizer.step()
        largest = [p.abs().max().item() for p in network.parameters()]
        assert largest == [pytest.approx(0.01)] * 4  # lr 10 throws every parameter against the limit
    assert all(p.requires_grad for p in network.parameters())


def test_other_optimisers_are_left_alone():
    critic, generator = nn.Linear(3, 1), nn.Linear(3, 1)
    clip_weights(torch.optim.SGD(critic.parameters(), lr=10.0), 0.01)
    step(generator, torch.optim.SGD(generator.parameters(), lr=10.0))
    assert generator.weight.abs().min() > 1


def test_nothing_is_clipped_before_a_step():
    layer = nn.Linear(3, 1)
    before = layer.weight.detach().clone()
    clip_weights(torch.optim.SGD(layer.parameters(), lr=1.0), 1e-6)
    assert torch.equal(layer.weight, before)


def test_no_limit_leaves_the_optimiser_as_it_is():
    clipped, plain = nn.Linear(3, 1), nn.Linear(3, 1)
    plain.load_state_dict(clipped.state_dict())
    step(clipped, clip_weights(torch.optim.SGD(clipped.parameters(), lr=10.0), None))
    step(plain, torch.optim.SGD(plain.parameters(), lr=10.0))
    assert torch.equal(clipped.weight, plain.weight)
    assert clipped.weight.abs().min() > 1


@pytest.mark.parametrize("gradient,clips", [(1.0, True), (float("inf"), False)])
def test_a_gradient_scaler_clips_with_the_steps_that_it_takes(gradient, clips):
    layer = nn.Linear(3, 1)
    nn.init.constant_(layer.weight, 1.0)
    optimizer = clip_weights(torch.optim.SGD(layer.parameters(), lr=10.0), 0.01)
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(layer(torch.full((1, 3), gradient)).sum()).backward()
    scaler.step(optimizer)
    assert (layer.weight.abs().max() <= 0.01).item() == clips


@pytest.mark.parametrize("limit", [0, -0.01, float("nan")])
def test_limit_must_be_positive(limit):
    with pytest.raises(ValueError, match=r"limit of weight clipping is .*, expected a positive number, or None"):
        clip_weights(torch.optim.SGD(nn.Linear(1, 1).parameters()), limit)
