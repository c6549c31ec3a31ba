import pytest
import torch
from torch.autograd import gradgradcheck

from common.losses.gradient_penalty import r1_penalty
from common.networks.stylegan2_discriminator import ResidualBlock, StyleGAN2Discriminator, blur, minibatch_std

SIZES = [(4, 4), (13, 30), (64, 40), (4, 6, 5), (19, 26, 9), (16, 16, 8), (38, 38, 38)]
THESIS = [
    # size, inputs of the hidden layer, parameters at channels 32
    ((64, 64, 32), 256 * 8 * 8 * 4, 20_339_937),
    ((1024, 3680), 512 * 4 * 14, 39_498_209),
    ((38, 38, 38), 256 * 4**3, 7_757_025),
]
GROUPS = [
    # batch, group asked for, group taken
    (8, 4, 4),
    (6, 4, 3),
    (5, 4, 1),
    (3, 4, 3),
    (1, 4, 1),
]


def discriminator(size, **options):
    torch.manual_seed(0)
    return StyleGAN2Discriminator(size, **{"channels": 2} | options)


@pytest.mark.parametrize("size", SIZES)
def test_one_logit_for_images_of_any_size(size):
    logits = discriminator(size, image_channels=2)(torch.randn(3, 2, *size))
    assert logits.shape == (3, 1)
    assert logits.std() > 0


@pytest.mark.parametrize("size,hidden,parameters", THESIS)
def test_thesis_sizes(size, hidden, parameters):
    with torch.device("meta"):
        network = StyleGAN2Discriminator(size)
    assert network.hidden.weight.shape == (network.logit.weight.shape[1], hidden)
    assert sum(p.numel() for p in network.parameters()) == parameters


@pytest.mark.parametrize("size", [(16, 13), (9, 8, 12)])
def test_a_gradient_reaches_every_parameter(size):
    network = discriminator(size)
    network(torch.randn(4, 1, *size)).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("size", [(16, 13), (9, 8, 12)])
def test_r1_reaches_every_weight(size):
    network = discriminator(size)
    x = torch.randn(4, 1, *size)
    penalty = r1_penalty(network, [x])
    penalty.backward()
    weights = [name for name, p in network.named_parameters() if "weight" in name and not p.grad.any()]
    assert weights == []

    direction, step = torch.randn_like(x), 1e-2
    x = x.requires_grad_()
    (gradient,) = torch.autograd.grad(network(x).sum(), x)
    assert penalty.item() == pytest.approx(gradient.flatten(1).square().sum(1).mean().item() / 2, rel=1e-4)
    with torch.no_grad():  # and the gradient is that of the logits
        change = (network(x + step * direction) - network(x - step * direction)).sum() / (2 * step)
    assert change.item() == pytest.approx((gradient * direction).sum().item(), rel=0.05, abs=0.02)


@pytest.mark.parametrize("size", [(5, 4), (4, 5, 4)])
def test_second_derivatives_of_a_residual_block(size):
    torch.manual_seed(0)
    block = ResidualBlock(1, 2, dimensions=len(size)).double()
    x = torch.randn(1, 1, *size, dtype=torch.double, requires_grad=True)
    assert gradgradcheck(block, (x,), fast_mode=True)


@pytest.mark.parametrize("size", [(9, 4), (8, 7, 5)])
def test_a_residual_block_halves_and_rounds_down(size):
    y = ResidualBlock(3, 5, dimensions=len(size))(torch.randn(2, 3, *size))
    assert y.shape == (2, 5, *[axis // 2 for axis in size])


def test_blur_worked_out_by_hand():
    line = torch.zeros(1, 1, 1, 6)
    line[..., 2] = 64
    taps = blur(line, padding=2)[0, 0]  # 8 · [1, 3, 3, 1] along the last axis, 3 / 8 along the one of a single row
    assert taps.tolist() == [[0, 3, 9, 9, 3, 0, 0]] * 2
    ones = torch.ones(2, 3, 8, 8, 8)
    assert blur(ones, padding=1, stride=2).shape == (2, 3, 4, 4, 4)
    torch.testing.assert_close(blur(ones, padding=1, stride=2)[:, :, 1:-1, 1:-1, 1:-1], ones[:, :, :2, :2, :2])


def test_minibatch_standard_deviation_worked_out_by_hand():
    x = torch.tensor([[0.0, 0.0], [5.0, 7.0], [2.0, 4.0], [5.0, 7.0]]).view(4, 1, 1, 2)
    y = minibatch_std(x, group=2)  # samples 0 and 2: deviations 1 and 2; samples 1 and 3: equal
    assert torch.equal(y[:, :1], x)
    assert y[:, 1].flatten(1).tolist() == [pytest.approx([v, v], abs=1e-6) for v in (1.5, 1e-4, 1.5, 1e-4)]


@pytest.mark.parametrize("batch,asked,taken", GROUPS)
def test_groups_are_the_greatest_that_divide_the_batch(batch, asked, taken):
    x = torch.randn(batch, 2, 3, 3, 3)
    std = minibatch_std(x, group=asked)[:, 2]
    assert std.shape == (batch, 3, 3, 3)
    for sample in range(batch):
        others = x[sample % (batch // taken) :: batch // taken]
        assert len(others) == taken
        expected = (others.var(0, correction=0) + 1e-8).sqrt().mean()
        torch.testing.assert_close(std[sample], expected.expand(3, 3, 3))


def test_samples_of_different_groups_do_not_see_each_other():
    network = discriminator((8, 8), minibatch_std_group=2)
    x = torch.randn(4, 1, 8, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(x)[0, 0], x)
    assert [bool(sample.any()) for sample in gradient] == [True, False, True, False]


@pytest.mark.parametrize("size", [(16, 13), (9, 8, 12)])
def test_bfloat16_autocast_is_close_to_full_precision(size):
    network = discriminator(size, channels=4)
    x = torch.randn(4, 1, *size)
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(x)
        r1_penalty(network, [x]).backward()
    torch.testing.assert_close(logits.float(), network(x), rtol=0.1, atol=0.05)
    assert network.from_image.weight.grad.isfinite().all()
