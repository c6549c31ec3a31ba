from itertools import pairwise

import pytest
import torch
from monai.losses import DeepSupervisionLoss
from monai.networks.nets import DynUNet

from common.networks.planned_unet import PlannedUNet, plan_stages

THREE = [3, 3, 3]
# patch, spacing in mm, strides, kernels, each worked out by hand
PLANS = [
    # 128 64 32 16 8 4 and 64 32 16 8 4: all axes four times, then the two long ones
    ((128, 128, 64), (1.5, 1.5, 1.5), [[1, 1, 1], *[[2, 2, 2]] * 4, [2, 2, 1]], [THREE] * 6),
    # 32 16 8 4 and 16 8 4
    ((32, 32, 16), (9, 9, 9), [[1, 1, 1], [2, 2, 2], [2, 2, 2], [2, 2, 1]], [THREE] * 4),
    # 4 mm slices wait until the plane is at 4 mm: 256 128 64 | 32 16 8 4 and 32 | 16 8 4
    (
        (256, 256, 32),
        (1, 1, 4),
        [[1, 1, 1], *[[2, 2, 1]] * 2, *[[2, 2, 2]] * 3, [2, 2, 1]],
        [[3, 3, 1]] * 2 + [THREE] * 5,
    ),
    # 3 mm slices: the kernel does not reach across them at 1 mm, does at 2 mm; 36 18 9 stays at 9
    ((64, 64, 36), (1, 1, 3), [[1, 1, 1], [2, 2, 1], *[[2, 2, 2]] * 2, [2, 2, 1]], [[3, 3, 1], *[THREE] * 4]),
]
SMALL = plan_stages((32, 32, 16), (9, 9, 9))


def small(**options):
    torch.manual_seed(0)
    return PlannedUNet(**{"in_channels": 1, "out_channels": 2, **SMALL, "filters": 4, "heads": 3, **options})


@pytest.mark.parametrize(("patch_size", "spacing", "strides", "kernels"), PLANS)
def test_plans_worked_out_by_hand(patch_size, spacing, strides, kernels):
    assert plan_stages(patch_size, spacing) == {"kernels": kernels, "strides": strides}


@pytest.mark.parametrize(
    ("patch_size", "spacing", "message"),
    [((8, 8, 8), (1, 1, 1), "halved 1 times"), ((30, 30, 30), (1, 1, 1), "halved 1 times"), ((32, 32), (1,), "axes")],
)
def test_patches_that_make_no_u_net_are_refused(patch_size, spacing, message):
    with pytest.raises(ValueError, match=message):
        plan_stages(patch_size, spacing)


def test_parameters_of_the_default_network_are_those_counted_by_hand():
    """Blocks of two 3³ convolutions without bias, two norms of scale and shift each; 2 classes at four resolutions."""
    filters = [32, 64, 128, 256, 320, 320]

    def block(into, out):
        return 27 * (into * out + out * out) + 4 * out

    down = block(1, 32) + sum(block(a, b) for a, b in pairwise(filters))
    volumes = [8, 8, 8, 8, 4]  # of the transposed kernels; the last one leaves the short axis
    up = sum(v * b * a + block(2 * a, a) for v, (a, b) in zip(volumes, pairwise(filters), strict=True))
    heads = sum(2 * a + 2 for a in filters[:4])
    network = PlannedUNet(in_channels=1, out_channels=2, **plan_stages((128, 128, 64), (1.5, 1.5, 1.5)))
    assert sum(p.numel() for p in network.parameters()) == down + up + heads == 30_780_712


def test_heads_of_training_have_their_own_size_and_reach_every_parameter():
    network = small()
    outputs = network(torch.randn(2, 1, 32, 32, 16))
    assert [tuple(output.shape) for output in outputs] == [(2, 2, 32, 32, 16), (2, 2, 16, 16, 8), (2, 2, 8, 8, 4)]
    sum(output.square().mean() for output in outputs).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_equals_dynunet_of_monai():
    """Same weights: same logits in evaluation, and MONAI's stacked heads are ours, upsampled."""
    ours = small()
    strides = SMALL["strides"]
    monai = DynUNet(
        3, 1, 2, SMALL["kernels"], strides, strides[1:], [4, 8, 16, 32], deep_supervision=True, deep_supr_num=2
    )
    monai.load_state_dict(ours.state_dict())
    x = torch.randn(1, 1, 32, 32, 16)
    for ours_head, monai_head in zip(ours(x), monai(x).unbind(1), strict=True):
        torch.testing.assert_close(torch.nn.functional.interpolate(ours_head, x.shape[2:]), monai_head)
    torch.testing.assert_close(ours.eval()(x), monai.eval()(x))


def test_the_loss_weighs_the_heads_as_nnunet_does():
    """A loss of 1 at each of three heads adds up to 1 + 1/2 + 1/4."""
    loss = DeepSupervisionLoss(lambda logits, target: torch.ones(()))
    assert loss(small()(torch.randn(1, 1, 32, 32, 16)), torch.zeros(1, 1, 32, 32, 16)) == 1.75


def test_one_head_gives_a_tensor_in_training():
    assert small(heads=1)(torch.randn(1, 1, 32, 32, 16)).shape == (1, 2, 32, 32, 16)


@pytest.mark.parametrize("heads", [0, 4])
def test_heads_that_the_decoder_lacks_are_refused(heads):
    with pytest.raises(ValueError, match=f"dsdepth is {heads}, expected 1 to 3 with 4 resolutions"):
        small(heads=heads)
