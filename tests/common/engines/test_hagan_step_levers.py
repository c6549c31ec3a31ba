"""What makes a training step fast and small leaves its numbers alone."""

import pytest
import torch
from ignite.engine import Events

from common.engines.adam import adam
from common.engines.hagan_step import HAGANStep
from common.handlers.training_checkpoint import TrainingCheckpoint
from common.networks.stage import recompute_stages
from tests.up_forms import take_form

LR = 1e-6  # Adam of β₁ = 0 turns the rounding of a gradient near zero into a whole step: small steps keep that small


def losses(hagan_training, networks, *, up_form, make):
    nets = networks(seed=1)
    take_form(nets["generator"], up_form)
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


def train(hagan_training, networks, folder=None, *, max_steps=2, **options):
    """Networks and losses of each step, gone on from a checkpoint in ``folder`` where there is one."""
    nets = networks(seed=1)
    phases = zip(("g", "d", "e", "e_sub"), nets.values(), strict=True)
    optimizers = {name: adam(net.parameters(), lr=LR, betas=(0.0, 0.999)) for name, net in phases}
    objects = {"networks": nets, "optimizers": optimizers}
    handlers = [TrainingCheckpoint(folder, objects, settings={})] if folder else []
    trainer = hagan_training(nets=nets, optimizers=optimizers, max_steps=max_steps, handlers=handlers, **options)
    seen = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: seen.append(dict(engine.state.output)))
    trainer.run()
    return {name: net.state_dict() for name, net in nets.items()}, seen


def test_recomputed_stages_train_the_same(hagan_training, networks):
    assert_equal(train(hagan_training, networks, checkpointing=True), train(hagan_training, networks))


def test_recomputed_stages_keep_their_inputs_alone(networks):
    generator = networks()["generator"]
    kept = []
    for _ in range(2):
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t, s=sizes: s.append(t) or t, lambda t: t):
            out = generator.slab_and_low(torch.ones(1, 16), 4)
        kept.append(sum(t.numel() for t in sizes if not isinstance(t, torch.nn.Parameter)))
        assert all(x.requires_grad for x in out)
        recompute_stages(generator)
    assert kept[1] < kept[0] / 2


def test_compiled_trainings_write_what_others_go_on_from(hagan_training, networks, tmp_path):
    whole = train(hagan_training, networks)
    with torch.compiler.set_stance("force_eager"):  # compiling all takes a minute
        _, first = train(hagan_training, networks, tmp_path, max_steps=1, compile_by="inductor")
    states, second = train(hagan_training, networks, tmp_path)
    assert_equal((states, first + second), whole)


def test_a_compiled_network_gives_the_same(networks):
    nets = networks()
    slab = torch.randn(1, 1, 4, 32, 32)
    expected = nets["encoder_h"](slab)
    HAGANStep(**nets, compile_by="eager")
    torch.testing.assert_close(nets["encoder_h"](slab), expected)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0


def test_slab_positions_are_not_compiled_one_by_one(hagan_training, networks):
    """A step's slab may start at eight places here; after a few steps all are known."""
    torch.compiler.reset()
    torch._dynamo.utils.counters.clear()
    trainer = hagan_training(nets=networks(), max_steps=12, compile_by="eager")
    graphs = []
    stats = torch._dynamo.utils.counters["stats"]
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: graphs.append(stats["unique_graphs"]))
    trainer.run()
    assert graphs[-1] == graphs[5] > 0


def test_a_critic_with_a_penalty_is_not_compiled(networks):
    """Its second derivatives could not be had."""
    nets = networks()
    HAGANStep(**nets, objective="wgan_gp", compile_by="eager")
    assert nets["encoder_h"]._compiled_call_impl is not None
    assert nets["discriminator"].d_h._compiled_call_impl is None


def assert_equal(found, expected):
    assert found[1] == expected[1]
    torch.testing.assert_close(found[0], expected[0], rtol=0, atol=0)
