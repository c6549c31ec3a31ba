import pytest
import torch
from torch.nn import functional as F

from common.engines.hagan_step import HAGANStep
from common.transforms.diff_augment import DiffAugment
from common.transforms.pairing import Pair


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def coordinates():
    """Volume whose value is its index along the first spatial axis."""
    return torch.arange(32.0).view(1, 1, 32, 1, 1).expand(1, 1, 32, 32, 32)


def test_real_crop_starts_at_r_which_is_a_multiple_of_four(networks):
    step = HAGANStep(**networks())
    starts = set()
    for seed in range(200):
        batch = step.prepare(coordinates(), rng(seed))
        assert batch["x_slab"][0, 0, 0, 0, 0] == batch["r"]
        assert batch["x_slab"].shape == (1, 1, 4, 32, 32)
        starts.add(batch["r"])
    assert starts == set(range(0, 29, 4))  # every start, the first and the last included


def test_every_slab_of_a_z_concatenated_pair_holds_image_and_mask(networks):
    """Slabs are cut along the first axis, pairs are concatenated along the last (design section 6)."""
    image, mask = torch.full((1, 1, 32, 32, 16), -0.5), torch.full((1, 1, 32, 32, 16), 1.0)
    x = torch.cat([image, mask], dim=-1)
    step = HAGANStep(**networks())
    for seed in range(20):
        slab = step.prepare(x, rng(seed))["x_slab"]
        assert (slab[..., :16] == -0.5).all() and (slab[..., 16:] == 1).all()


def test_low_resolution_is_nearest_interpolation_by_a_quarter(networks):
    x = torch.randn(2, 1, 32, 32, 32)
    low = HAGANStep(**networks()).prepare(x, rng())["x_low"]
    torch.testing.assert_close(low, F.interpolate(x, scale_factor=0.25))


def test_losses_are_those_of_the_paper_written_out(networks):
    nets = networks()
    g, d, e_h, e_g = nets.values()
    step = HAGANStep(**nets)
    d.eval()  # else each pass through D advances its power iteration
    x = torch.rand(2, 1, 32, 32, 32) * 2 - 1
    batch = step.prepare(x, rng()) | step.draw(2, rng())
    r, ones, zeros = batch["r"], torch.ones(2, 1), torch.zeros(2, 1)
    x_h, x_l = x[:, :, r : r + 4], F.interpolate(x, scale_factor=0.25)
    a = g.g_a(batch["z"])
    fake_h, fake_l = g.g_h(a[:, :, r // 4 : r // 4 + 1]), g.g_l(a)
    bce = F.binary_cross_entropy_with_logits

    losses = step.discriminator_loss(batch)
    torch.testing.assert_close(losses["d_real"], bce(d(x_h, x_l, r), ones))
    torch.testing.assert_close(losses["d_fake"], bce(d(fake_h, fake_l, r), zeros))
    torch.testing.assert_close(losses["d"], losses["d_real"] + losses["d_fake"])
    torch.testing.assert_close(step.generator_loss(batch)["g"], bce(d(fake_h, fake_l, r), ones))
    torch.testing.assert_close(step.encoder_h_loss(batch)["e"], (g.g_h(e_h(x_h)) - x_h).abs().mean())

    a_hat = g.g_a(e_g(torch.cat([e_h(x[:, :, i : i + 4]) for i in range(0, 32, 4)], dim=2)))
    high = (g.g_h(a_hat[:, :, r // 4 : r // 4 + 1]) - x_h).abs().mean()
    low = (g.g_l(a_hat) - x_l).abs().mean()
    torch.testing.assert_close(step.encoder_g_loss(batch)["e_sub"], (high + low) / 2)


@pytest.mark.parametrize("objective", ["bce", "hinge", "wgan_gp"])
def test_each_phase_teaches_its_network_and_no_other(networks, objective):
    nets = networks()
    step = HAGANStep(**nets, objective=objective, r1_weight=1.0)
    batch = step.prepare(torch.randn(2, 1, 32, 32, 32), rng()) | step.draw(2, rng())
    for phase in step.phases:
        for other in step.phases:
            other.network.requires_grad_(other is phase)
            other.network.zero_grad()
        phase(batch)[phase.name].backward()
        for other in step.phases:
            kernels = [p.grad for p in other.network.parameters() if p.dim() > 1]
            taught = [grad is not None and bool(grad.abs().sum() > 0) for grad in kernels]
            assert all(taught) if other is phase else not any(taught), (phase.name, other.name)


class Recording(DiffAugment):
    """Remembers what it was given and what it made of it."""

    calls: list

    def __call__(self, x, parameters, strength=1.0, **options):
        y = super().__call__(x, parameters, strength, **options)
        self.calls.append((x.detach(), parameters["augment"], y.detach()))
        return y


def augmented_step(networks, **options):
    augment = Recording(**options)
    augment.calls = []
    return HAGANStep(**networks(), augment=augment), augment


def test_real_and_generated_slab_and_low_resolution_are_augmented_alike(networks):
    step, augment = augmented_step(networks)
    batch = step.prepare(torch.rand(2, 1, 32, 32, 32), rng()) | step.draw(2, rng())
    losses = step.discriminator_loss(batch)
    assert [tuple(x.shape[2:]) for x, _, _ in augment.calls] == [(4, 32, 32), (8, 8, 8)] * 2  # fake, then real
    assert all(torch.equal(drawn, batch["augment"]["augment"]) for _, drawn, _ in augment.calls)
    assert torch.equal(augment.calls[2][0], batch["x_slab"]) and torch.equal(augment.calls[3][0], batch["x_low"])
    step.d.eval()
    seen = [y for _, _, y in augment.calls]
    torch.testing.assert_close(F.softplus(step.d(*seen[:2], batch["r"])).mean(), losses["d_fake"], atol=1e-2, rtol=0)
    step.generator_loss(batch)["g"].backward()  # the generator learns through it
    assert len(augment.calls) == 6 and step.g.g_a.fc.weight.grad.abs().sum() > 0


def test_the_sign_of_the_discriminator_is_reported(networks):
    step, _ = augmented_step(networks, probability=0.0)
    batch = step.prepare(torch.rand(4, 1, 32, 32, 32), rng()) | step.draw(4, rng())
    step.d.eval()
    logits = step.d(batch["x_slab"], batch["x_low"], batch["r"])
    assert step.discriminator_loss(batch)["d_sign"] == logits.sign().mean()
    step.objective = "wgan_gp"
    assert "d_sign" not in step.discriminator_loss(batch)


def test_the_low_resolution_of_an_interleaved_pair_is_its_image_alone(networks):
    step, augment = augmented_step(networks, policy=("intensity",), pairing="interleave")
    x = Pair("interleave")(torch.full((1, 1, 32, 32, 16), 0.25), torch.full((1, 1, 32, 32, 16), -0.5))
    batch = step.prepare(x, rng()) | step.draw(1, rng())
    step.discriminator_loss(batch)
    slab, low = (y for _, _, y in augment.calls[2:])
    assert (slab[..., 1::2] == -0.5).all()  # intensity leaves the mask alone
    changed = slab[0, 0, 0, 0, 0]
    assert changed != 0.25 and torch.allclose(low, changed.expand_as(low))


def test_volumes_of_another_size_are_refused(networks):
    with pytest.raises(ValueError, match=r"volumes \[32, 32, 16\], expected the generator's size \[32, 32, 32\]"):
        HAGANStep(**networks()).prepare(torch.zeros(1, 1, 32, 32, 16), rng())
