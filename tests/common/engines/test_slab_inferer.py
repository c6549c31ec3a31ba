"""Slab by slab equals the whole volume, in memory that does not grow with it."""

import pytest
import torch
from monai.inferers import SimpleInferer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from common.engines.slab_inferer import SlabInferer
from common.networks.hagan import Generator
from common.networks.slab_generation import generate_in_slabs, group_statistics
from common.networks.up_convolution import UpConvolution
from tests.up_forms import take_form

# size, image channels, base width, classes, form of the up-convolutions
GENERATORS = [(32, 1, 8, 0, "products"), ((32, 32, 16), 2, 4, 3, "composed"), ((64, 32, 16), 1, 4, 2, "plain")]
SLICES = [4, 12, 16, 24, 1000]  # a voxel of A; a thinner last slab; even parts; one thin last slab; all at once
SLABS = ["official", "seamless"]


def generator(size, *, image_channels=1, channels=8, slab="official", **kwargs):
    """Random weights and, as after a training, scales and shifts of the norms that are not 1 and 0."""
    torch.manual_seed(0)
    g = Generator(size, latent_dim=16, channels=channels, image_channels=image_channels, slab=slab, **kwargs)
    for module in g.modules():
        if isinstance(module, UpConvolution):
            module.min_channels = 2  # the products, which only wide maps take
    with torch.no_grad():
        for name, parameter in g.named_parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
            elif name.startswith("g_h.1"):
                parameter.mul_(4)  # voxels all over [-1, 1]
    return g.eval()


@pytest.mark.parametrize("slab", SLABS)
@pytest.mark.parametrize("size,image_channels,channels,classes,up_form", GENERATORS)
def test_slabs_are_those_of_the_whole_volume(slab, size, image_channels, channels, classes, up_form):
    kwargs = {"image_channels": image_channels, "channels": channels, "classes": classes}
    g = take_form(generator(size, slab=slab, **kwargs), up_form)
    z = torch.randn(2, 16 + classes)
    with torch.no_grad():
        whole = g(z)
    assert whole.std() > 0.1
    for slices in SLICES:
        torch.testing.assert_close(SlabInferer(slices)(z, g), whole, atol=2e-5, rtol=0)


def test_statistics_of_the_crop_alone_would_be_others():
    """What the first pass is for."""
    g = generator(32)
    z = torch.randn(1, 16)
    with torch.no_grad():
        cropped = torch.cat([g.g_h(crop) for crop in g.g_a(z).split(2, dim=2)], dim=2)
        assert (cropped - g(z)).abs().max() > 0.05


def test_statistics_in_parts_are_those_of_the_whole_in_float64():
    x = torch.randn(2, 6, 7, 3, 2) * torch.rand(6, 1, 1, 1) + 1e3  # a variance that mean squares in float32 would lose
    mean, variance = group_statistics(x.split([1, 4, 2], dim=2), 3)
    groups = x.double().view(2, 3, -1)
    torch.testing.assert_close(mean, groups.mean(-1), atol=0, rtol=1e-7)
    torch.testing.assert_close(variance, groups.var(-1, correction=0), atol=0, rtol=1e-3)


class LargestTensor(TorchDispatchMode):
    """Records the largest tensor that any operation returns."""

    numel = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        sizes = (leaf.numel() for leaf in tree_iter(result) if isinstance(leaf, torch.Tensor))
        self.numel = max(self.numel, *sizes, 0)
        return result


class Fixed(torch.nn.Module):
    """G^A that is done."""

    def __init__(self, a):
        super().__init__()
        self.a = a

    def forward(self, z):
        return self.a


def largest_map(size, slab, slices):
    """Elements of the largest tensor between A and the volume."""
    g = generator(size, slab=slab)
    z = torch.randn(1, 16)
    with torch.no_grad():
        g.g_a = Fixed(g.g_a(z))
        out = torch.empty(1, 1, *g.size)
        with LargestTensor() as largest:
            generate_in_slabs(g, z, slices=slices, out=out) if slices else g(z)
    return largest.numel


@pytest.mark.parametrize("slab", SLABS)
def test_maps_are_of_one_slab_however_long_the_volume(slab):
    lengths = [(32, 16, 16), (64, 16, 16)]
    in_slabs = [largest_map(size, slab, 8) for size in lengths]
    assert in_slabs == [8 * (8 + 8) // 2 * 8 * 8] * 2  # c channels, slab and halo, at half the volume's resolution
    whole = [largest_map(size, slab, None) for size in lengths]
    assert whole == [8 * length[0] // 2 * 8 * 8 for length in lengths]


def test_volumes_are_written_where_they_are_wanted():
    g = generator(32)
    z = torch.randn(1, 16)
    volumes = torch.zeros(3, 1, 32, 32, 32)
    generate_in_slabs(g, z, slices=8, out=volumes[1:2])
    torch.testing.assert_close(volumes[1:2], SlabInferer()(z, g).detach(), atol=2e-5, rtol=0)
    assert not volumes[0].any() and not volumes[2].any()


def test_null_runs_any_network_at_once():
    network = torch.nn.Linear(4, 2)
    z = torch.randn(3, 4)
    assert torch.equal(SlabInferer()(z, network), SimpleInferer()(z, network))


def test_slabs_of_another_network_are_refused():
    with pytest.raises(TypeError, match="Linear is not HA-GAN's generator"):
        SlabInferer(8)(torch.randn(3, 4), torch.nn.Linear(4, 2))


@pytest.mark.parametrize("slices", [0, -4, 2, 30])
def test_slabs_of_broken_voxels_of_a_are_refused(slices):
    with pytest.raises(ValueError, match=f"{slices} slices thick, expected a multiple of 4"):
        SlabInferer(slices)
