"""What makes a training step fast and small leaves its numbers alone."""

import pytest
import torch
from ignite.engine import Events

from common.engines.adam import adam
from common.networks.hagan import Generator

LR = 1e-6  # Adam of β₁ = 0 turns the rounding of a gradient near zero into a whole step: small steps keep that small


def losses(hagan_training, networks, *, up_form, make):
    nets = networks(seed=1)
    generator = Generator(32, latent_dim=16, channels=8, up_form=up_form)
    generator.load_state_dict(nets["generator"].state_dict())
    nets["generator"] = generator
    phases = zip(("g", "d", "e", "e_sub"), nets.values(), strict=True)
    optimizers = {name: make(net.parameters(), lr=LR, betas=(0.0, 0.999)) for name, net in phases}
    trainer = hagan_training(nets=nets, optimizers=optimizers, max_steps=3)
    seen = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: seen.append(dict(engine.state.output)))
    trainer.run()
    return seen


@pytest.mark.parametrize("up_form", ["composed", "products"])
def test_losses_after_three_steps_are_those_of_the_plain_form(hagan_training, networks, up_form):
    plain = losses(hagan_training, networks, up_form="plain", make=torch.optim.Adam)
    ours = losses(hagan_training, networks, up_form=up_form, make=adam)
    assert len(plain) == 3 and plain[0] != plain[2]
    for found, expected in zip(ours, plain, strict=True):
        assert found == pytest.approx(expected, rel=1e-5)


def test_gradients_are_gone_behind_their_update(hagan_training, networks):
    nets = networks()
    hagan_training(nets=nets, max_steps=1).run()
    assert all(parameter.grad is None for net in nets.values() for parameter in net.parameters())
