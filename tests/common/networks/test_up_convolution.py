import pytest
import torch
from torch.nn import functional as F

from common.networks.up_convolution import UpConvolution

SHAPES = [
    # in, out, input shape
    (3, 5, (2, 8, 8, 8)),
    (8, 1, (1, 4, 6, 10)),
    (1, 2, (4, 1, 16, 5)),
]


def plain(layer, x):
    return F.conv3d(F.interpolate(x, scale_factor=2.0), layer.weight, layer.bias, padding=1)


@pytest.mark.parametrize("in_channels,out_channels,shape", SHAPES)
def test_equals_interpolation_and_convolution_in_values_and_gradients(in_channels, out_channels, shape):
    torch.manual_seed(0)
    layer = UpConvolution(in_channels, out_channels)
    x = torch.randn(shape[0], in_channels, *shape[1:], requires_grad=True)
    assert shape[0] * shape[1] * shape[2] * shape[3] >= layer.min_voxels  # or the composed form would not be tested

    composed, reference = layer(x), plain(layer, x)
    torch.testing.assert_close(composed, reference, rtol=1e-5, atol=1e-5)

    weights = torch.randn_like(reference)
    inputs = (x, layer.weight, layer.bias)
    ours = torch.autograd.grad((composed * weights).sum(), inputs)
    theirs = torch.autograd.grad((reference * weights).sum(), inputs)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


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


def test_small_maps_and_the_switch_use_the_plain_form(monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("the composed form was used")

    monkeypatch.setattr(F, "conv_transpose3d", fail)
    small, large = torch.randn(1, 2, 4, 4, 4), torch.randn(1, 2, 8, 8, 8)
    assert UpConvolution(2, 3)(small).shape == (1, 3, 8, 8, 8)
    assert UpConvolution(2, 3, composed=False)(large).shape == (1, 3, 16, 16, 16)
    with pytest.raises(AssertionError, match="composed form"):
        UpConvolution(2, 3)(large)


def test_weights_are_those_of_the_plain_convolution():
    layer = UpConvolution(4, 6)
    layer.load_state_dict(torch.nn.Conv3d(4, 6, 3, padding=1).state_dict())
    assert sorted(layer.state_dict()) == ["bias", "weight"]
