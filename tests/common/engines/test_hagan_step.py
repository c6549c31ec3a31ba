import pytest
import torch
from torch.nn import functional as F

from common.engines.hagan_step import HAGANStep


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


def test_volumes_of_another_size_are_refused(networks):
    with pytest.raises(ValueError, match=r"volumes \[32, 32, 16\], expected the generator's size \[32, 32, 32\]"):
        HAGANStep(**networks()).prepare(torch.zeros(1, 1, 32, 32, 16), rng())
