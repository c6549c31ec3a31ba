import pytest
import torch
from torch import nn

from common.losses.gradient_penalty import gradient_penalty
from common.networks.conv_discriminator import ConvDiscriminator, halved_sizes, halving

# size: parameters at 32 channels and 4 blocks
PARAMETERS = {(16, 16, 16): 2_755_297, (38, 38, 38): 2_757_089, (154, 154, 54): 2_817_249, (1024, 3680): 4_457_441}
# size, image channels, blocks
SHAPES = [
    ((16, 16, 16), 1, 7),
    ((38, 38, 38), 1, 4),
    ((154, 154, 54), 1, 4),
    ((1024, 3680), 1, 4),
    ((7, 1, 5), 2, 3),
    ((9, 13), 2, 2),
]
PER_SAMPLE = {"none": True, "instance": True, "batch": False}


def discriminator(size=(9, 8, 7), **options):
    torch.manual_seed(0)
    return ConvDiscriminator(size, **({"channels": 4, "blocks": 2} | options))


def penalty(d, real, fake, epsilon):
    return gradient_penalty(d, [real], [fake], epsilon)


def batch(count, size=(9, 8, 7)):
    rng = torch.Generator().manual_seed(1)
    real, fake = torch.randn(2, count, 1, *size, generator=rng)
    return real, fake, torch.rand(count, generator=rng)


@pytest.mark.parametrize("size", PARAMETERS)
def test_parameter_counts(size):
    with torch.device("meta"):
        d = ConvDiscriminator(size)
    assert sum(p.numel() for p in d.parameters()) == PARAMETERS[size]


def test_parameter_count_at_154_by_hand():
    convolutions = 64 * (32 + 32 * 64 + 64 * 128 + 128 * 256) + 32 + 64 + 128 + 256
    assert convolutions + 9 * 9 * 3 * 256 + 1 == PARAMETERS[154, 154, 54]


@pytest.mark.parametrize("norm", PER_SAMPLE)
@pytest.mark.parametrize("size,image_channels,blocks", SHAPES)
def test_one_logit_of_thesis_and_odd_sizes_with_batch_one(size, image_channels, blocks, norm):
    with torch.device("meta"):
        d = ConvDiscriminator(size, image_channels=image_channels, channels=2, blocks=blocks, norm=norm)
        assert d(torch.empty(1, image_channels, *size)).shape == (1, 1)


def test_maps_are_halved_down_to_one_and_convolutions_agree():
    assert halved_sizes((11, 2, 1), 3) == [(11, 2, 1), (5, 1, 1), (2, 1, 1), (1, 1, 1)]
    for size in [(11, 2, 1), (5, 1, 1), (3, 6, 9)]:
        assert nn.Conv3d(1, 1, **halving(size))(torch.zeros(1, 1, *size)).shape[2:] == halved_sizes(size, 1)[1]


@pytest.mark.parametrize("size", [(9, 8, 7), (12, 9)])
def test_a_gradient_reaches_every_parameter_and_the_image(size):
    d = discriminator(size)
    x = torch.randn(2, 1, *size, requires_grad=True)
    d(x).sum().backward()
    for name, p in d.named_parameters():
        assert p.grad is not None and p.grad.abs().sum() > 0, name
    assert (x.grad != 0).all()  # no voxel is left out, at odd axes neither


def test_it_is_a_plain_stack_of_convolutions():
    d = discriminator((8, 8, 8), norm="none")
    assert [type(m) for m in d.blocks.modules() if not list(m.children())] == [nn.Conv3d, nn.LeakyReLU] * 2
    x = torch.randn(2, 1, 8, 8, 8)
    h = x
    for conv, _ in d.blocks:
        h = nn.functional.conv3d(h, conv.weight, conv.bias, stride=2, padding=1)
        h = torch.maximum(h, 0.2 * h)
    torch.testing.assert_close(d(x), h.flatten(1) @ d.fc.weight.T + d.fc.bias)


@pytest.mark.parametrize("norm,layer", [("batch", nn.BatchNorm3d), ("instance", nn.InstanceNorm3d)])
def test_first_block_and_single_voxels_are_not_normalised(norm, layer):
    d = discriminator((16, 16, 16), blocks=5, norm=norm)
    assert [any(isinstance(m, layer) for m in block) for block in d.blocks] == [False, True, True, False, False]


@pytest.mark.parametrize("norm", PER_SAMPLE)
def test_penalty_of_a_sample_does_not_depend_on_the_others_unless_normalised_over_the_batch(norm):
    d = discriminator(norm=norm)
    real, fake, epsilon = batch(3)
    whole = penalty(d, real, fake, epsilon)
    alone = torch.stack([penalty(d, *(t[i : i + 1] for t in (real, fake, epsilon))) for i in range(3)]).mean()
    assert torch.allclose(whole, alone, rtol=1e-4) == PER_SAMPLE[norm]


def test_penalty_reaches_every_weight_and_can_be_minimised():
    """Biases move kinks only: a network of convolutions and LeakyReLU has a slope that does not depend on them."""
    d = discriminator()
    real, fake, epsilon = batch(2)
    before = penalty(d, real, fake, epsilon)
    before.backward()
    for name, p in d.named_parameters():
        if name.endswith("weight"):
            assert p.grad is not None and p.grad.abs().sum() > 0, name
            p.data -= 0.01 * p.grad
    assert penalty(d, real, fake, epsilon) < before


def test_logits_are_deterministic_and_per_sample_by_default():
    d = discriminator()
    x = batch(3)[0]
    assert torch.equal(d(x), d(x))
    torch.testing.assert_close(d(x)[1:2], d(x[1:2]))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"images \[9, 8, 6\], expected the discriminator's size \[9, 8, 7\]"):
        discriminator()(torch.zeros(1, 1, 9, 8, 6))
    with pytest.raises(ValueError, match="norm is 'group', expected one of none, batch, instance"):
        discriminator(norm="group")
    with pytest.raises(ValueError, match=r"image size is \[9\], expected two or three positive axes"):
        discriminator((9,))
