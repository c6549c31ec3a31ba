"""The dilated ResNet: shapes, strides, parity with a network written out, and MONAI's weights."""

import pytest
import torch
from monai.networks.nets import resnet10
from torch import nn
from torch.nn import functional as F

from common.networks.medical_resnet import medical_resnet

# depth, features, parameters at MedicalNet's widths (without its segmentation head)
DEPTHS = [(10, 512, 14_355_520), (18, 512, 32_986_176), (34, 512, 63_295_808), (50, 2048, 46_155_072)]


@pytest.mark.parametrize(("depth", "features", "parameters"), DEPTHS)
def test_features_and_parameters(depth, features, parameters):
    network = medical_resnet(depth).eval()
    with torch.no_grad():
        assert network(torch.randn(2, 1, 24, 16, 16)).shape == (2, features)
    assert sum(p.numel() for p in network.parameters()) == parameters


@pytest.mark.parametrize("depth", [10, 18, 50])
def test_stages_three_and_four_keep_the_resolution_of_stage_two(depth):
    network = medical_resnet(depth, widths=(4, 4, 8, 8)).eval()
    sizes = {}
    for name in ("conv1", "layer1", "layer2", "layer3", "layer4"):
        getattr(network, name).register_forward_hook(lambda _, __, out, name=name: sizes.update({name: out.shape[2:]}))
    network(torch.randn(1, 1, 32, 32, 16))
    assert [tuple(sizes[name]) for name in ("conv1", "layer1", "layer2", "layer3", "layer4")] == [
        (16, 16, 8),
        (8, 8, 4),
        (4, 4, 2),
        (4, 4, 2),
        (4, 4, 2),
    ]


def test_equals_the_network_of_the_paper_written_out():
    """Basic blocks, strides 1, 2, 1, 1 and dilations 1, 1, 2, 4 behind a stride-2 convolution and a pooling."""
    torch.manual_seed(0)
    network = medical_resnet(10, widths=(4, 6, 8, 10)).eval()
    _randomise_norms(network)
    x = torch.randn(1, 1, 32, 32, 32)
    w = network.state_dict()

    def norm(x, name):
        return F.batch_norm(x, *(w[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")))

    y = F.relu(norm(F.conv3d(x, w["conv1.weight"], stride=2, padding=3), "bn1"))
    y = F.max_pool3d(y, 3, 2, 1)
    for layer, stride, dilation in (("layer1", 1, 1), ("layer2", 2, 1), ("layer3", 1, 2), ("layer4", 1, 4)):
        short = y
        if f"{layer}.0.downsample.0.weight" in w:
            short = norm(F.conv3d(y, w[f"{layer}.0.downsample.0.weight"], stride=stride), f"{layer}.0.downsample.1")
        first = F.conv3d(y, w[f"{layer}.0.conv1.weight"], stride=stride, padding=dilation, dilation=dilation)
        second = F.conv3d(
            F.relu(norm(first, f"{layer}.0.bn1")), w[f"{layer}.0.conv2.weight"], padding=dilation, dilation=dilation
        )
        y = F.relu(norm(second, f"{layer}.0.bn2") + short)
    torch.testing.assert_close(network(x), y.mean((2, 3, 4)))


def test_monais_weights_load_into_another_network():
    """The keys are MONAI's, so its own ResNet takes the weights, and gives other features: why ours is built."""
    torch.manual_seed(0)
    plain = resnet10(n_input_channels=1, feed_forward=False, conv1_t_stride=2, shortcut_type="B", bias_downsample=False)
    dilated = medical_resnet(10)
    dilated.load_state_dict(plain.state_dict())
    x = torch.randn(1, 1, 32, 32, 32)
    with torch.no_grad():
        similarity = F.cosine_similarity(plain.eval()(x), dilated.eval()(x)).item()
    assert similarity < 0.999


def test_another_depth_is_refused():
    with pytest.raises(ValueError, match="depth is 12, expected one of 10, 18, 34, 50"):
        medical_resnet(12)


def _randomise_norms(network):
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            for values in (module.weight, module.bias, module.running_mean):
                nn.init.normal_(values)
            nn.init.uniform_(module.running_var, 0.5, 2)
