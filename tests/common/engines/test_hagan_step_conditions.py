"""HA-GAN's step and training with classes, and that without them nothing has changed."""

import pytest
import torch
from torch.nn import functional as F

from common.engines.hagan_step import HAGANStep
from common.handlers.training_checkpoint import TrainingCheckpoint
from common.transforms.diff_augment import DiffAugment

SHARES = [0.5, 0.3, 0.2]
CONDITIONINGS = ["auxiliary", "projection"]
# hinge, R1 on seeds 0 and 1, computed before there were classes
FROZEN = {
    "d": 2.003035068511963,
    "d_real": 0.8988486528396606,
    "d_fake": 1.0912573337554932,
    "r1": 0.012929127551615238,
    "g": -0.09098604321479797,
    "e": 0.5912520289421082,
    "e_sub": 0.620330810546875,
}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def build(networks, conditioning="auxiliary", **options):
    nets = networks(classes=3, conditioning=conditioning)
    nets["discriminator"].eval()  # else each pass advances its power iteration
    return HAGANStep(**nets, class_shares=SHARES, **options)


def batch_of(step, count=4):
    x = torch.rand(count, 1, 32, 32, 32, generator=rng(5)) * 2 - 1
    return step.prepare(x, rng(), torch.arange(count) % 3) | step.draw(count, rng(7))


def test_without_classes_losses_are_what_they_were(networks):
    generator = rng(1)
    step = HAGANStep(**networks(), objective="hinge", r1_weight=1.0)
    x = torch.tanh(torch.randn(2, 1, 32, 32, 32, generator=generator))
    batch = step.prepare(x, generator)
    batch |= step.draw(2, generator)
    assert list(batch) == ["x", "x_slab", "x_low", "r", "z", "epsilon"]
    losses = {name: loss.item() for phase in step.phases for name, loss in phase(batch).items()}
    assert losses == pytest.approx(FROZEN, rel=1e-5)
    assert not [key for net in networks().values() for key in net.state_dict() if "class" in key or "embed" in key]


def test_auxiliary_losses_are_the_cross_entropies_written_out(networks):
    step = build(networks, class_weight_d=0.7, class_weight_g=0.3)
    b = batch_of(step)
    g, d, _, e_g = step.g, step.d, step.e_h, step.e_g

    def generated(z, y):
        return g.slab_and_low(torch.cat([z, torch.eye(3)[y]], 1), b["r"])

    def cross_entropy(logits, y):
        return -torch.stack([logits[i].softmax(0)[y[i]].log() for i in range(4)]).mean()

    logits, classes = d.judge(b["x_slab"], b["x_low"], b["r"])
    fake, fake_classes = d.judge(*generated(b["z"], b["y_fake"]), b["r"])
    losses = step.discriminator_loss(b)
    assert list(losses) == ["d", "d_real", "d_fake", "d_class"]
    torch.testing.assert_close(losses["d_class"], cross_entropy(classes, b["y"]))
    expected = F.softplus(-logits).mean() + F.softplus(fake).mean() + 0.7 * cross_entropy(classes, b["y"])
    torch.testing.assert_close(losses["d"], expected)
    losses = step.generator_loss(b)
    torch.testing.assert_close(losses["g_class"], cross_entropy(fake_classes, b["y_fake"]))
    torch.testing.assert_close(losses["g"], F.softplus(-fake).mean() + 0.3 * cross_entropy(fake_classes, b["y_fake"]))
    codes = torch.cat([step.e_h(slab) for slab in b["x"].split(4, dim=2)], dim=2)
    slab, low = generated(e_g(codes), b["y"])
    expected = ((slab - b["x_slab"]).abs().mean() + (low - b["x_low"]).abs().mean()) / 2
    torch.testing.assert_close(step.encoder_g_loss(b)["e_sub"], expected)


def test_projection_judges_real_and_generated_each_as_of_its_class(networks):
    step = build(networks, "projection")
    b = batch_of(step)
    assert not torch.equal(b["y"], b["y_fake"])
    z = torch.cat([b["z"], torch.eye(3)[b["y_fake"]]], 1)
    fake = step.d(*step.g.slab_and_low(z, b["r"]), b["r"], b["y_fake"])
    losses = step.discriminator_loss(b)
    assert list(losses) == ["d", "d_real", "d_fake"]
    real = step.d(b["x_slab"], b["x_low"], b["r"], b["y"])
    torch.testing.assert_close(losses["d"], F.softplus(-real).mean() + F.softplus(fake).mean())
    torch.testing.assert_close(step.generator_loss(b)["g"], F.softplus(-fake).mean())


def test_classes_are_drawn_as_often_as_in_the_training_and_by_the_generator_alone(networks):
    step = build(networks)
    drawn = step.draw(4000, rng())["y_fake"]
    torch.testing.assert_close(torch.bincount(drawn) / 4000, torch.tensor(SHARES), atol=0.025, rtol=0)
    torch.manual_seed(99)
    assert torch.equal(step.draw(4000, rng())["y_fake"], drawn)
    plain = HAGANStep(**networks()).draw(4000, rng())
    assert all(torch.equal(step.draw(4000, rng())[name], plain[name]) for name in ("z", "epsilon"))


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
@pytest.mark.parametrize("objective", ["bce", "hinge", "wgan_gp"])
def test_each_phase_teaches_all_of_its_network_and_no_other(networks, conditioning, objective):
    step = build(networks, conditioning, objective=objective, r1_weight=1.0, augment=DiffAugment(("translation",)))
    b = batch_of(step)
    for phase in step.phases:
        for other in step.phases:
            other.network.requires_grad_(other is phase)
            other.network.zero_grad()
        phase(b)[phase.name].backward()
        for other in step.phases:
            kernels = [p.grad for p in other.network.parameters() if p.dim() > 1]
            taught = [grad is not None and bool(grad.abs().sum() > 0) for grad in kernels]
            assert all(taught) if other is phase else not any(taught), (phase.name, other.name)


def test_classes_and_networks_must_fit(networks):
    x, y = torch.zeros(1, 1, 32, 32, 32), torch.zeros(1, dtype=torch.int64)
    with pytest.raises(ValueError, match="batch without classes, the generator has 3"):
        build(networks).prepare(x, rng())
    with pytest.raises(ValueError, match="batch with classes, the generator has 0"):
        HAGANStep(**networks()).prepare(x, rng(), y)
    with pytest.raises(ValueError, match="0 class shares for a generator of 3 classes"):
        HAGANStep(**networks(classes=3))
    mixed = {**networks(classes=3), "discriminator": networks()["discriminator"]}
    with pytest.raises(ValueError, match="Discriminator beside a generator of 3 classes"):
        HAGANStep(**mixed, class_shares=SHARES)


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_a_resumed_training_with_classes_ends_bit_equal(hagan_training, networks, adam, tmp_path, conditioning):
    def run(folder, max_steps):
        nets = networks(classes=3, conditioning=conditioning)
        optimizers = adam(nets)
        keep = TrainingCheckpoint(tmp_path / folder, {**nets, "o": optimizers}, settings={})
        hagan_training(nets=nets, optimizers=optimizers, max_steps=max_steps, handlers=[keep]).run()
        return {name: net.state_dict() for name, net in nets.items()}

    whole = run("whole", 3)
    run("parts", 2)
    resumed = run("parts", 3)
    assert all(torch.equal(value, resumed[name][key]) for name in whole for key, value in whole[name].items())


def test_accumulation_cuts_the_classes_with_the_batch(hagan_training, networks):
    outputs = []
    for accumulation in (1, 2):
        nets = networks(classes=3)
        nets["discriminator"].eval()
        trainer = hagan_training(nets=nets, max_steps=1, batch_size=4, accumulation=accumulation)
        trainer.run()
        outputs.append(trainer.state.output)
    assert {"d_class", "g_class"} <= outputs[0].keys()
    assert outputs[0] == pytest.approx(
        outputs[1], rel=2e-3
    )  # E^G comes behind a step of E^H, whose signs rounding turns
