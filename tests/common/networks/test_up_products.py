import pytest
import torch
from torch.nn import functional as F

from common.networks.up_products import UpProducts, _transform, _transpose

# batch, input channels, output channels, volume
SHAPES = [(2, 3, 5, (4, 3, 2)), (1, 2, 1, (1, 1, 1)), (1, 1, 4, (5, 1, 2))]


def up(x, weight):
    return UpProducts.apply(x.permute(0, 2, 3, 4, 1), weight).permute(0, 4, 1, 2, 3)


def inputs(batch, in_channels, out_channels, volume):
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(batch, in_channels, *volume, generator=rng, dtype=torch.float64)
    weight = torch.randn(out_channels, in_channels, 3, 3, 3, generator=rng, dtype=torch.float64)
    return x.requires_grad_(), weight.requires_grad_()


@pytest.mark.parametrize("shape", SHAPES)
def test_values_are_those_of_interpolation_and_convolution(shape):
    x, weight = inputs(*shape)
    torch.testing.assert_close(up(x, weight), F.conv3d(F.interpolate(x, scale_factor=2.0), weight, padding=1))


@pytest.mark.parametrize("shape", SHAPES)
def test_derivatives_are_those_of_finite_differences(shape):
    x, weight = inputs(*shape)
    assert torch.autograd.gradcheck(up, (x, weight), fast_mode=True)
    assert torch.autograd.gradcheck(up, (x.detach(), weight), fast_mode=True)
    assert torch.autograd.gradcheck(up, (x, weight.detach()), fast_mode=True)


def test_a_line_worked_out_by_hand():
    x = torch.tensor([1.0, 5.0]).view(1, 1, 1, 1, 2)
    weight = torch.zeros(1, 1, 3, 3, 3)
    weight[0, 0, 1, 1] = torch.tensor([1.0, 10.0, 100.0])
    # upsampled 1, 1, 5, 5 with zeros around: 0+10+100, 1+10+500, 1+50+500, 5+50+0; the same in all four rows
    assert up(x, weight).view(4, 4).tolist() == [[110, 511, 551, 55]] * 4


def test_only_input_and_weight_are_kept_for_the_derivatives():
    x, weight = inputs(1, 4, 4, (4, 4, 4))
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        up(x, weight)
    assert sum(kept) == x.numel() + weight.numel()


def test_second_derivatives_are_refused():
    x, weight = inputs(1, 1, 1, (2, 2, 2))
    (grad,) = torch.autograd.grad(up(x, weight).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad.sum().backward()


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_the_transpose_is_one(axis):
    """⟨T x, y⟩ = ⟨x, Tᵀ y⟩."""
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 4, 5, 2, generator=rng)
    y = [torch.randn(2, 3, 4, 5, 2, generator=rng) for _ in range(3)]
    forward = sum((a * b).sum() for a, b in zip(_transform(x, axis), y, strict=True))
    torch.testing.assert_close(forward, (x * _transpose(*(part.clone() for part in y), axis=axis)).sum())
