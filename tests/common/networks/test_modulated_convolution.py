import pytest
import torch
from torch.autograd import gradgradcheck
from torch.nn import functional as F

from common.networks.modulated_convolution import (
    EqualisedConvolution,
    EqualisedLinear,
    ModulatedConvolution,
    upsample,
    widths,
)

CONVOLVE = {2: F.conv2d, 3: F.conv3d}
LAYERS = [
    # kernel, dimensions, demodulate, up, size
    (3, 2, True, False, (6, 9)),
    (3, 2, True, True, (5, 4)),
    (1, 2, False, False, (6, 9)),
    (3, 3, True, False, (4, 5, 6)),
    (3, 3, True, True, (3, 4, 2)),
    (1, 3, False, False, (4, 5, 6)),
]


def explicit(layer, x, w):
    """Eq. 1 and 3 as they stand: weights for each sample, applied as groups."""
    batch, style = len(x), layer.affine(w)
    spatial = [1] * (x.dim() - 2)
    weight = layer.weight * layer.scale * style.view(batch, 1, -1, *spatial)  # (B, out, in, *kernel)
    if layer.demodulate:
        weight = weight / (weight.square().flatten(2).sum(2) + 1e-8).sqrt().view(batch, -1, 1, *spatial)
    x = upsample(x) if layer.up else x
    grouped = x.reshape(1, -1, *x.shape[2:])
    y = CONVOLVE[len(spatial)](grouped, weight.flatten(0, 1), padding=layer.padding, groups=batch)
    return y.view(batch, -1, *x.shape[2:])


@pytest.mark.parametrize("kernel,dimensions,demodulate,up,size", LAYERS)
def test_equals_the_weights_of_each_sample_in_values_and_gradients(kernel, dimensions, demodulate, up, size):
    torch.manual_seed(0)
    layer = ModulatedConvolution(4, 5, kernel, dimensions=dimensions, style_dim=7, demodulate=demodulate, up=up)
    x = torch.randn(3, 4, *size, requires_grad=True)
    w = (3 * torch.randn(3, 7)).requires_grad_()

    ours, theirs = layer(x, w), explicit(layer, x, w)
    assert ours.shape == (3, 5, *[axis * (2 if up else 1) for axis in size])
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)

    weights, inputs = torch.randn_like(theirs), (x, w, *layer.parameters())
    first, second = (torch.autograd.grad((y * weights).sum(), inputs) for y in (ours, theirs))
    for a, b in zip(first, second, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3 * b.abs().max().item())


@pytest.mark.parametrize("dimensions", [2, 3])
def test_second_derivatives_of_an_upsampling_layer(dimensions):
    torch.manual_seed(0)
    layer = ModulatedConvolution(2, 1, 3, dimensions=dimensions, style_dim=2, up=True).double()
    layer.demodulate = False  # the demodulation is in single precision: next test
    x = torch.randn(1, 2, *[2] * dimensions, dtype=torch.double, requires_grad=True)
    w = torch.randn(1, 2, dtype=torch.double, requires_grad=True)
    assert gradgradcheck(layer, (x, w), fast_mode=True)


def test_second_derivative_of_the_demodulation_is_the_one_worked_out_by_hand():
    layer = ModulatedConvolution(2, 1, 1, dimensions=2, style_dim=2)
    with torch.no_grad():
        layer.affine.weight.copy_(torch.eye(2) * 2**0.5)  # s = w
        layer.affine.bias.zero_()
        layer.weight.fill_(2**0.5)  # 1 at run time
    w = torch.tensor([[3.0, 4.0]], requires_grad=True)
    y = layer(torch.tensor([1.0, 0.0]).view(1, 2, 1, 1), w).sum()  # s1 / √(s1² + s2²)
    (first,) = torch.autograd.grad(y, w, create_graph=True)  # (s2², −s1·s2) / r³
    (second,) = torch.autograd.grad(first[0, 0], w)  # (−3·s1·s2², 2·s1²·s2 − s2³) / r⁵
    assert y.item() == pytest.approx(0.6)
    assert first[0].tolist() == pytest.approx([0.128, -0.096])
    assert second[0].tolist() == pytest.approx([-144 / 3125, 8 / 3125], rel=1e-4)


@pytest.mark.parametrize("dimensions,size", [(2, 40), (3, 12)])
def test_demodulated_outputs_of_white_inputs_have_variance_one(dimensions, size):
    torch.manual_seed(0)
    layer = ModulatedConvolution(16, 4, 3, dimensions=dimensions, style_dim=8)
    x = torch.randn(8, 16, *[size] * dimensions)
    w = 5 * torch.randn(8, 8)  # styles far from 1

    def variances():
        inner = (..., *[slice(1, -1)] * dimensions)  # the border sees zeros
        return layer(x, w)[inner].transpose(0, 1).flatten(1).var(1)

    assert variances().tolist() == pytest.approx([1] * 4, abs=0.1)
    layer.demodulate = False
    assert variances().min() > 5


@pytest.mark.parametrize("dimensions", [2, 3])
def test_upsampling_equals_the_papers_transposed_convolution_and_blur_away_from_the_edges(dimensions):
    torch.manual_seed(0)
    layer = ModulatedConvolution(3, 2, 3, dimensions=dimensions, style_dim=4, up=True, demodulate=False)
    x, w = torch.randn(2, 3, *[6] * dimensions), torch.randn(2, 4)
    spread = torch.zeros(2, 3, *[12] * dimensions)
    spread[(..., *[slice(None, None, 2)] * dimensions)] = x  # a transposed convolution's zeros in between
    layer.up = False
    reference = layer(spread, w)
    for axis in range(2, 2 + dimensions):
        line = F.pad(reference.movedim(axis, -1), (2, 1)).unfold(-1, 4, 1)
        reference = (line @ torch.tensor([1.0, 3.0, 3.0, 1.0]) / 4).movedim(-1, axis)
    layer.up = True
    inner = (..., *[slice(3, -3)] * dimensions)
    torch.testing.assert_close(layer(x, w)[inner], reference[inner], rtol=1e-4, atol=1e-5)


def test_equalised_linear_layer_worked_out_by_hand():
    layer = EqualisedLinear(4, 1, bias=0.3, lr_multiplier=0.01)
    assert layer.bias.item() == pytest.approx(30)
    with torch.no_grad():
        layer.weight.fill_(100)  # 100 · 0.01 / √4 = 0.5 at run time
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    assert layer(x).item() == pytest.approx(0.5 * 10 + 0.3)

    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1)
    layer(x).sum().backward()
    optimizer.step()  # 0.1 off each stored number: 0.1 · 0.01 / 2 off each weight, 0.1 · 0.01 off the bias
    assert layer(x).item() == pytest.approx(5.3 - 0.0005 * 10 - 0.001, abs=1e-5)


def test_stored_weights_start_at_one_over_the_multiplier():
    torch.manual_seed(0)
    assert EqualisedLinear(100, 100, lr_multiplier=0.01).weight.std().item() == pytest.approx(100, rel=0.05)
    assert EqualisedConvolution(20, 20, 3, dimensions=3).weight.std().item() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("dimensions,fan_in", [(2, 18), (3, 54)])
def test_equalised_convolution_scales_by_the_root_of_its_fan_in(dimensions, fan_in):
    layer = EqualisedConvolution(2, 1, 3, dimensions=dimensions)
    torch.nn.init.ones_(layer.weight)
    y = layer(torch.ones(1, 2, *[3] * dimensions))
    assert y[(0, 0, *[1] * dimensions)].item() == pytest.approx(fan_in / fan_in**0.5)


def test_linear_upsampling_worked_out_by_hand():
    assert upsample(torch.tensor([[0.0, 4.0]]).expand(1, 1, 2, 2))[0, 0, 0].tolist() == [0, 1, 3, 4]
    assert upsample(torch.tensor([[[0.0, 4.0]]]).expand(1, 1, 2, 2, 2))[0, 0, 3, 3].tolist() == [0, 1, 3, 4]


def test_widths_are_the_authors_at_1024():
    assert widths(32, 9) == [32, 64, 128, 256, 512, 512, 512, 512, 512]
    assert widths(4, 4, 10) == [4, 8, 10, 10]
