"""Folded batch norms leave the outputs as they are."""

import copy

import pytest
import torch
from torch import nn

from common.networks.folded import fold_batch_norms
from common.networks.medical_resnet import medical_resnet
from common.networks.slice_features import EfficientNetLite0


def with_statistics(network):
    """Norms that do something."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            for tensor in (module.running_mean, module.weight.data, module.bias.data):
                tensor.normal_(0.5, 0.2)
            module.running_var.uniform_(0.5, 2)
    return network.eval()


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (lambda: medical_resnet(10, widths=[4, 4, 8, 8]), (2, 1, 32, 32, 16)),
        (lambda: medical_resnet(50, widths=[4, 4, 8, 8]), (1, 1, 16, 16, 16)),
        (EfficientNetLite0, (2, 3, 32, 32)),
    ],
)
def test_outputs_stay_and_no_norm_is_left(network, shape):
    plain = with_statistics(network())
    folded = fold_batch_norms(copy.deepcopy(plain))
    x = torch.randn(shape)
    with torch.no_grad():
        expected = plain(x)
        torch.testing.assert_close(folded(x), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
    assert not any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in folded.modules())


def test_a_norm_before_its_convolution_stays():
    network = nn.Sequential(nn.BatchNorm3d(2), nn.Conv3d(2, 2, 1), nn.ReLU(), nn.BatchNorm3d(2)).eval()
    assert [type(each) for each in fold_batch_norms(network)] == [type(each) for each in network]
    assert isinstance(network[0], nn.BatchNorm3d) and isinstance(network[3], nn.BatchNorm3d)
