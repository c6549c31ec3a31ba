import pytest
import torch
from torch.nn import functional as F

from common.networks.up_convolution import UpConvolution

SHAPES = [
    # in, out, input shape, form that they take
    (3, 5, (2, 8, 8, 8), "composed"),
    (8, 1, (1, 4, 6, 10), "composed"),
    (1, 2, (4, 1, 16, 5), "composed"),
    (128, 130, (2, 4, 4, 4), "products"),
    (130, 128, (1, 1, 3, 5), "products"),
    (8, 3, (1, 2, 3, 4), "plain"),
]


def plain(x, weight, bias):
    return F.conv3d(F.interpolate(x, scale_factor=2.0), weight, bias, padding=1)


@pytest.fixture
def forms(monkeypatch):
    """The forms that up-convolutions take, in their order."""
    taken = []
    composed, products = UpConvolution.composed_kernel, UpConvolution._products
    monkeypatch.setattr(UpConvolution, "composed_kernel", lambda self: taken.append("composed") or composed(self))
    monkeypatch.setattr(UpConvolution, "_products", lambda self, x: taken.append("products") or products(self, x))
    return taken


@pytest.mark.parametrize(("in_channels", "out_channels", "shape", "form"), SHAPES)
def test_equals_interpolation_and_convolution_in_values_and_gradients(in_channels, out_channels, shape, form, forms):
    torch.manual_seed(0)
    layer = UpConvolution(in_channels, out_channels)
    x = torch.randn(shape[0], in_channels, *shape[1:], requires_grad=True)
    inputs = (x, layer.weight, layer.bias)
    exact = [value.detach().double().requires_grad_() for value in inputs]  # float32 sums differ by its own rounding
    composed, reference = layer(x), plain(*exact)
    assert forms == [name for name in (form,) if name != "plain"]
    torch.testing.assert_close(composed.double(), reference, rtol=1e-5, atol=1e-5)

    weights = torch.randn_like(composed)
    ours = torch.autograd.grad((composed * weights).sum(), inputs)
    theirs = torch.autograd.grad((reference * weights).sum(), exact)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=1e-4, atol=1e-4)


def test_composed_kernel_of_a_line_is_the_one_worked_out_by_hand():
    layer = UpConvolution(1, 1)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[0, 0, 1, 1] = torch.tensor([1.0, 10.0, 100.0])  # w0, w1, w2 along the last axis
    # along the last axis [w2, w1+w2, w0+w1, w0]; along the others a centre tap alone gives [0, 1, 1, 0]
    kernel = layer.composed_kernel()[0, 0]
    assert kernel[1, 1].tolist() == [100, 110, 11, 1]
    assert kernel[2, 1].tolist() == [100, 110, 11, 1]
    assert kernel[0].abs().sum() == 0
    assert kernel[3].abs().sum() == 0


def test_what_products_are_not_for(forms):
    wide = torch.randn(1, 128, 4, 4, 4)
    layer = UpConvolution(128, 128)
    with torch.autocast("cpu", torch.bfloat16):
        layer(wide)
    torch.jit.trace(layer, wide, check_trace=False)
    layer.double()(wide.double())
    assert "products" not in forms
    layer.float()(wide)
    assert forms[-1] == "products"


def test_a_layer_may_be_without_bias():
    layer = UpConvolution(128, 128)
    x = torch.randn(1, 128, 2, 2, 2)
    biased = layer(x) - layer.bias.view(-1, 1, 1, 1)
    layer.bias = None
    torch.testing.assert_close(layer(x), biased, rtol=1e-5, atol=1e-5)


def test_a_scripted_layer_gives_the_same():
    layer = UpConvolution(128, 128)
    x = torch.randn(2, 128, 4, 4, 4)
    torch.testing.assert_close(torch.jit.script(layer)(x), layer(x), rtol=1e-5, atol=1e-5)
