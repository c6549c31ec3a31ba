import pytest
import torch
from torch.nn import functional as F

from common.networks.whole_convolution import WholeConvolution


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last_3d])
def test_values_and_gradients_are_those_of_the_convolution(memory_format):
    torch.manual_seed(0)
    layer = WholeConvolution(3, 5, (2, 4, 3)).double()
    x = torch.randn(2, 3, 2, 4, 3, dtype=torch.float64).to(memory_format=memory_format).requires_grad_()
    found, expected = layer(x), F.conv3d(x, layer.weight, layer.bias)
    assert found.shape == (2, 5, 1, 1, 1)
    torch.testing.assert_close(found, expected)
    of = (x, layer.weight, layer.bias)
    grad = torch.randn_like(found)
    for a, b in zip(torch.autograd.grad(found, of, grad), torch.autograd.grad(expected, of, grad), strict=True):
        torch.testing.assert_close(a, b)
