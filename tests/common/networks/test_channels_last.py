"""Layout of networks on a CPU: the same numbers and weights as torch's own."""

import copy

import pytest
import torch
from monai.losses import DeepSupervisionLoss, DiceCELoss
from monai.networks.nets import SegResNetDS
from torch import nn

from common.engines.autocast_inferer import AutocastInferer
from common.networks.channels_last import InstanceNormLast, placed
from common.networks.planned_unet import PlannedUNet, plan_stages

SIZE = (32, 32, 16)
NETWORKS = {
    "instance": lambda: segresnet("instance"),
    "batch": lambda: segresnet("batch"),
    "group": lambda: segresnet(("group", {"num_groups": 4})),
    "dynunet": lambda: PlannedUNet(
        in_channels=1, out_channels=2, filters=4, heads=2, **plan_stages(patch_size=SIZE, spacing=(1, 1, 2))
    ),
}


def segresnet(norm):
    return SegResNetDS(init_filters=8, blocks_down=(1, 1, 2), out_channels=2, dsdepth=2, norm=norm)


def step(network, image, label, amp="off"):
    """Loss, finest logits and all gradients of one step."""
    loss = DeepSupervisionLoss(DiceCELoss(to_onehot_y=True, softmax=True, squared_pred=True))
    outputs = AutocastInferer(lambda inputs, net: net(inputs), amp=amp)(image, network)
    value = loss(outputs, label)
    value.backward()
    return value.detach(), outputs[0].detach(), torch.cat([p.grad.flatten() for p in network.parameters()])


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 1, *SIZE, generator=generator), (torch.rand(2, 1, *SIZE, generator=generator) < 0.2).float()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-3)])
@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_and_gradients_are_those_of_torchs_layout(name, dtype, tolerance, batch):
    torch.manual_seed(0)
    plain = NETWORKS[name]().to(dtype)
    last = placed(copy.deepcopy(plain), "cpu")
    image, label = (volumes.to(dtype) for volumes in batch)
    for expected, found in zip(step(plain, image, label), step(last, image, label), strict=True):
        torch.testing.assert_close(found, expected, atol=tolerance * float(expected.abs().max()), rtol=0)


def test_bf16_is_within_its_rounding_of_float32(batch):
    """The tolerance of the docs: a loss within 0.5 %, and gradients that point the same way to 0.99."""
    torch.manual_seed(0)
    full = placed(segresnet("instance"), "cpu")
    mixed = copy.deepcopy(full)
    (loss, _, gradient), (mixed_loss, _, mixed_gradient) = step(full, *batch), step(mixed, *batch, amp="bf16")
    assert mixed_loss == pytest.approx(loss.item(), rel=0.005)
    assert torch.cosine_similarity(gradient, mixed_gradient, dim=0) > 0.99
    assert not torch.equal(gradient, mixed_gradient)


def test_weights_keep_names_shapes_and_values():
    torch.manual_seed(0)
    plain = segresnet("instance")
    before = {name: value.clone() for name, value in plain.state_dict().items()}
    network = placed(plain, torch.device("cpu"))
    assert network is plain
    assert list(network.state_dict()) == list(before)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert sum(isinstance(module, InstanceNormLast) for module in network.modules()) > 0
    assert network.encoder.layers[0]["downsample"].weight.is_contiguous(memory_format=torch.channels_last_3d)


def test_the_layout_goes_through_the_norm():
    norm = placed(nn.Sequential(nn.InstanceNorm3d(4, affine=True)), "cpu")
    x = torch.randn(3, 4, 5, 6, 7).contiguous(memory_format=torch.channels_last_3d)
    assert norm(x).is_contiguous(memory_format=torch.channels_last_3d)


def test_a_network_with_group_norms_keeps_torchs_layout():
    """Their gradients are slow in the other one."""
    network = placed(segresnet(("group", {"num_groups": 4})), "cpu")
    assert network.encoder.layers[0]["downsample"].weight.is_contiguous()


def test_a_norm_of_running_statistics_and_a_network_elsewhere_stay_as_they_are():
    tracking = placed(nn.Sequential(nn.InstanceNorm3d(4, track_running_stats=True)), "cpu")
    assert type(tracking[0]) is nn.InstanceNorm3d
    elsewhere = placed(segresnet("instance"), "meta")
    assert not any(isinstance(module, InstanceNormLast) for module in elsewhere.modules())
    assert elsewhere.encoder.layers[0]["downsample"].weight.is_contiguous()
