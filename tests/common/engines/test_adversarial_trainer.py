from contextlib import contextmanager
from itertools import pairwise
from typing import ClassVar

import pytest
import torch
from ignite.engine import Events

from common.engines.adversarial_trainer import AdversarialTrainer, NonFiniteLossError, step_generator
from common.engines.gan_step import GANStep
from common.handlers.training_checkpoint import TrainingCheckpoint
from common.losses.weight_clipping import clip_weights
from common.networks.conv_discriminator import ConvDiscriminator
from common.networks.unet_generator import UNetGenerator


class Losses:
    """Handler that keeps the losses of all steps."""

    def __init__(self):
        self.steps = []

    def attach(self, engine):
        engine.add_event_handler(Events.ITERATION_COMPLETED, lambda e: self.steps.append(e.state.output))


def weights(nets):
    return {f"{n}.{k}": v.clone() for n, net in nets.items() for k, v in net.state_dict().items()}


def assert_equal(a, b):
    assert a.keys() == b.keys()
    for key in a:
        assert torch.equal(a[key], b[key]), key


def test_a_step_changes_all_networks_and_reports_all_losses(hagan_training, networks):
    nets, losses = networks(), Losses()
    before = weights(nets)
    hagan_training(nets=nets, max_steps=1, handlers=[losses]).run()
    assert list(losses.steps[0]) == ["d", "d_real", "d_fake", "g", "e", "e_sub"]
    after = weights(nets)
    changed = {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])}
    assert changed == set(nets)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(hagan_training, networks):
    runs = []
    for seed in (0, 0, 1):
        nets = networks()
        hagan_training(nets=nets, max_steps=2, seed=seed).run()
        runs.append(weights(nets))
    assert_equal(runs[0], runs[1])
    assert not torch.equal(runs[0]["generator.g_a.fc.weight"], runs[2]["generator.g_a.fc.weight"])


def test_order_and_number_of_updates(hagan_training, networks):
    nets, updates = networks(), []
    trainer = hagan_training(nets=nets, max_steps=2, g_iterations=3)
    for name, optimizer in trainer.optimizers.items():
        optimizer.register_step_post_hook(lambda *_, name=name: updates.append(name))
    trainer.run()
    assert updates == ["d", "g", "g", "g", "e", "e_sub"] * 2


def test_accumulation_gives_the_update_of_the_whole_batch(hagan_training, networks):
    results = []
    for accumulation in (1, 2):
        nets, losses = networks(), Losses()
        nets["discriminator"].eval()  # power iterations advance a pass, and there are more passes with accumulation
        hagan_training(nets=nets, max_steps=1, batch_size=4, accumulation=accumulation, handlers=[losses]).run()
        results.append(losses.steps[0])
    assert results[0] == pytest.approx(results[1], rel=1e-4)


def test_a_batch_that_cannot_be_cut_is_refused(hagan_training):
    with pytest.raises(
        ValueError, match="accumulation is 3 and batch_size 2, expected a batch that can be cut into equal"
    ):
        hagan_training(accumulation=3)  # before a step is made


def test_a_resumed_run_ends_bit_equal_to_an_uninterrupted_one(hagan_training, networks, adam, tmp_path):
    def checkpoint(nets, optimizers, folder):
        return TrainingCheckpoint(
            folder, {**nets, **{f"optimizer_{k}": v for k, v in optimizers.items()}}, settings={"size": 32}, interval=2
        )

    def train(max_steps, folder, seed=0):
        nets = networks(seed=seed)
        optimizers = adam(nets)
        trainer = hagan_training(
            nets=nets, max_steps=max_steps, optimizers=optimizers, handlers=[checkpoint(nets, optimizers, folder)]
        )
        trainer.run()
        return weights(nets), trainer.state.iteration

    whole, _ = train(5, tmp_path / "whole")
    train(2, tmp_path / "parts")
    resumed, iteration = train(5, tmp_path / "parts", seed=9)  # other initial weights: all must come from the file
    assert iteration == 5
    assert_equal(whole, resumed)
    again, iteration = train(5, tmp_path / "parts", seed=9)  # a finished run does nothing more
    assert iteration == 5
    assert_equal(whole, again)


def test_nan_stops_the_run_and_says_what_to_do(hagan_training, networks):
    nets = networks()
    with torch.no_grad():
        nets["encoder_h"][0][0].weight[0, 0, 0, 0, 0] = float("nan")
    with pytest.raises(NonFiniteLossError, match=r"losses at step 1 are .*'e': nan.*the last checkpoint"):
        hagan_training(nets=nets).run()


def test_missing_optimiser_is_named(hagan_training, networks):
    from common.engines.hagan_step import HAGANStep

    with pytest.raises(ValueError, match=r"no optimiser for the phases \['g', 'e', 'e_sub'\]"):
        AdversarialTrainer(
            device=torch.device("cpu"),
            max_steps=1,
            data_loader=[],
            step=HAGANStep(**networks()),
            optimizers={"d": None},
            prepare_batch=lambda batch: batch,
        )


@pytest.mark.parametrize("objective,extra", [("hinge", set()), ("wgan_gp", {"gp"})])
def test_other_objectives_train(hagan_training, objective, extra):
    losses = Losses()
    hagan_training(objective=objective, max_steps=2, r1_weight=0.5, handlers=[losses]).run()
    assert set(losses.steps[-1]) == {"d", "d_real", "d_fake", "g", "e", "e_sub", "r1"} | extra


@pytest.mark.parametrize("half", ["bf16", "fp16"])
def test_half_precision_stays_close_to_fp32_and_keeps_fp32_weights(hagan_training, networks, half):
    losses = {}
    for amp in ("off", half):
        nets, handler = networks(), Losses()
        hagan_training(nets=nets, max_steps=1, amp=amp, handlers=[handler]).run()
        losses[amp] = handler.steps[0]
        assert all(p.dtype == torch.float32 for net in nets.values() for p in net.parameters())
    assert losses[half] == pytest.approx(losses["off"], rel=0.05)
    assert losses[half] != losses["off"]


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("amp", ["bf16", "auto", "off"])
def test_a_cpu_without_bf16_is_told_unless_auto_chooses(hagan_training, monkeypatch, caplog, native, amp):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": native})
    trainer = hagan_training(max_steps=1, amp=amp)
    assert ("no bf16" in caplog.text) == (amp == "bf16" and not native)
    assert (trainer.autocast_dtype == torch.bfloat16) == (amp == "bf16" or (amp == "auto" and native))


def test_another_precision_is_refused(hagan_training):
    with pytest.raises(ValueError, match="amp is 'half', expected one of auto, off, bf16, fp16"):
        hagan_training(max_steps=1, amp="half")


def test_training_learns_to_reconstruct(hagan_training):
    losses = Losses()
    hagan_training(max_steps=25, handlers=[losses]).run()
    first = sum(step["e"] for step in losses.steps[:5])
    last = sum(step["e"] for step in losses.steps[-5:])
    assert last < 0.8 * first


def test_noise_of_a_step_does_not_depend_on_the_step_before():
    a = [torch.randn(3, generator=step_generator(0, step)) for step in (1, 2)]
    b = torch.randn(3, generator=step_generator(0, 2))
    assert torch.equal(a[1], b)
    assert not torch.equal(a[0], b)
    assert not torch.equal(torch.randn(3, generator=step_generator(1, 1)), a[0])


def gan_training(*, max_steps, handlers=(), clip=None, seed=0, folder=None, **options):
    """A trainer of a small GAN of two networks."""
    torch.manual_seed(seed)
    size = (8, 8)
    g, d = UNetGenerator(size, channels=2, blocks=2), ConvDiscriminator(size, channels=2, blocks=2)
    optimizers = {
        "d": clip_weights(torch.optim.RMSprop(d.parameters(), lr=1e-2), clip),
        "g": torch.optim.RMSprop(g.parameters(), lr=1e-2),
    }
    volumes = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(3))
    handlers = [*handlers]
    if folder:
        objects = {"g": g, "d": d, "optimizers": optimizers}
        handlers.append(TrainingCheckpoint(folder, objects, settings={}, interval=1))
    return AdversarialTrainer(
        device="cpu",  # as the command line gives it
        max_steps=max_steps,
        data_loader=[volumes] * max_steps,
        step=GANStep(g, d, **{"objective": "wgan", **options}),
        optimizers=optimizers,
        prepare_batch=lambda batch: batch,
        handlers=handlers,
    )


def test_a_phase_takes_part_in_every_third_step_only():
    losses, generators = Losses(), []
    trainer = gan_training(max_steps=7, g_every=3, handlers=[losses])
    copy = lambda _: generators.append([p.detach().clone() for p in trainer.step.g.parameters()])  # noqa: E731
    trainer.add_event_handler(Events.STARTED | Events.ITERATION_COMPLETED, copy)
    trainer.run()
    assert [step for step, output in enumerate(losses.steps, start=1) if "g" in output] == [1, 4, 7]
    assert all("d" in output for output in losses.steps)
    changed = [not all(map(torch.equal, a, b)) for a, b in pairwise(generators)]
    assert changed == [True, False, False, True, False, False, True]


def test_two_phases_of_one_network_share_its_optimiser_and_both_teach_it():
    trainer = gan_training(max_steps=2, r1_weight=1.0, r1_every=1)
    d, g, updates = trainer.step.d, trainer.step.g, []

    def trainable(network):
        return {p.requires_grad for p in network.parameters()}

    for name, optimizer in trainer.optimizers.items():
        hook = lambda *_, name=name: updates.append((name, trainable(d), trainable(g)))  # noqa: E731
        optimizer.register_step_pre_hook(hook)
    trainer.run()
    d_learns, g_learns = ("d", {True}, {False}), ("g", {False}, {True})
    assert updates == [d_learns, g_learns, d_learns] * 2


def test_clipping_bounds_the_discriminator_after_each_step_and_leaves_the_generator():
    trainer, largest = gan_training(max_steps=3, clip=0.01), []

    def measure(_):
        networks = (trainer.step.d, trainer.step.g)
        largest.append([max(p.abs().max().item() for p in network.parameters()) for network in networks])

    trainer.add_event_handler(Events.STARTED | Events.ITERATION_COMPLETED, measure)
    trainer.run()
    before, *after = largest
    assert before[0] > 0.01
    assert all(d <= 0.01 for d, _ in after) and after[-1][0] == pytest.approx(0.01)
    assert all(g > 0.1 for _, g in after)


def test_a_run_resumed_between_two_turns_of_a_phase_ends_bit_equal(tmp_path):
    def train(max_steps, folder, seed=0):
        losses = Losses()
        trainer = gan_training(
            max_steps=max_steps, g_every=3, clip=0.05, seed=seed, folder=tmp_path / folder, handlers=[losses]
        )
        trainer.run()
        return losses.steps, weights({"g": trainer.step.g, "d": trainer.step.d})

    steps, whole = train(5, "whole")
    train(2, "parts")
    resumed_steps, resumed = train(5, "parts", seed=9)
    assert resumed_steps == steps[2:]
    assert ["g" in output for output in resumed_steps] == [False, True, False]
    assert_equal(whole, resumed)


class Synchronised(torch.nn.Module):
    """Stands for DistributedDataParallel: notes of each pass whether its gradients would be exchanged."""

    passes: ClassVar = []

    def __init__(self, module, **_):
        super().__init__()
        self.module = module
        self.exchanged = True

    @contextmanager
    def no_sync(self):
        self.exchanged = False
        yield
        self.exchanged = True

    def forward(self, batch):
        self.passes.append((self.module.name, self.exchanged))
        return self.module(batch)


def test_gradients_of_an_accumulated_batch_are_exchanged_once(hagan_training, monkeypatch):
    monkeypatch.setattr("common.engines.adversarial_trainer.DistributedDataParallel", Synchronised)
    monkeypatch.setattr("ignite.distributed.get_world_size", lambda: 2)
    monkeypatch.setattr(Synchronised, "passes", [])
    hagan_training(max_steps=1, batch_size=3, accumulation=3).run()
    parts = [False, False, True]
    assert Synchronised.passes == [(name, exchanged) for name in ("d", "g", "e", "e_sub") for exchanged in parts]
