import re

import pytest
import torch

from common.networks import hagan
from common.networks.hagan import Discriminator, EncoderG, EncoderH, Generator
from common.networks.hagan_size import volume_size
from common.networks.voxel_norm import VoxelNorm
from tests.up_forms import take_form

# size: parameters of G, D, E^H, E^G at latent 1024 and 32 channels, counted on the authors' code
OFFICIAL_PARAMETERS = {
    128: (52_518_210, 7_241_442, 161_152, 19_663_168),
    256: (52_518_210, 7_402_258, 161_152, 19_663_264),
}
# size, image channels, slab, low-resolution shape
SHAPES = [
    (32, 1, (4, 32, 32), (8, 8, 8)),
    (64, 1, (8, 64, 64), (16, 16, 16)),
    ((64, 64, 32), 2, (8, 64, 32), (16, 16, 8)),
    ((32, 32, 16), 2, (4, 32, 16), (8, 8, 4)),
]


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def small(size, image_channels=1, slab="official", channels=8, **kwargs):
    torch.manual_seed(0)
    common = {"channels": channels, "image_channels": image_channels}
    return (
        Generator(size, latent_dim=16, slab=slab, **common, **kwargs),
        Discriminator(size, **common),
        EncoderH(**common),
        EncoderG(size, latent_dim=16, channels=channels),
    )


@pytest.mark.parametrize("size", OFFICIAL_PARAMETERS)
def test_parameter_counts_are_the_official_ones(size):
    with torch.device("meta"):
        networks = Generator(size), Discriminator(size), EncoderH(), EncoderG(size)
    assert tuple(map(parameters, networks)) == OFFICIAL_PARAMETERS[size]


def written(shape):
    """Channels @ size of a map (B, C, …), as the module's docstring writes it; channels alone of one voxel."""
    _, channels, *axes = shape
    if max(axes, default=1) == 1:
        return str(channels)
    first, *others = axes
    return f"{channels}@{first}³" if others == [first] * 2 else f"{channels}@{first}×{others[0]}²"


def drawing(name):
    """What each layer of a network gives, from the line of the docstring."""
    (line,) = [line for line in hagan.__doc__.splitlines() if line.strip().startswith(f"{name}  ")]
    _, *layers = line.split(" → ")
    return [re.search(r"[\d@×²³]+", layer).group() for layer in layers]


@pytest.mark.parametrize("name", ["G^A", "G^H", "G^L", "D^H", "D^L", "E^H", "E^G"])
def test_the_docstring_draws_what_each_layer_gives(name):
    with torch.device("meta"):
        g, d = Generator(128), Discriminator(128)
        slab, low, a = (torch.empty(1, *s) for s in ((1, 16, 128, 128), (1, 32, 32, 32), (64, 32, 32, 32)))
        network, inputs = {
            "G^A": (g.g_a.blocks, [torch.empty(1, 512, 4, 4, 4)]),
            "G^H": (g.g_h, [a[:, :, :4]]),
            "G^L": (g.g_l, [a]),
            "D^H": (d.d_h, [slab, 0.0]),
            "D^L": (d.d_l, [low]),
            "E^H": (EncoderH(), [slab]),
            "E^G": (EncoderG(128), [a]),
        }[name]
    given = []
    for module in network.modules():
        if isinstance(module, torch.nn.Conv3d | torch.nn.Linear):
            module.register_forward_hook(lambda _, x, y: given.append(written(y.shape)))
    network(*inputs)
    assert given == drawing(name)


def test_512_has_one_more_stage_at_the_widest():
    with torch.device("meta"):
        g, d, e = Generator(512), Discriminator(512), EncoderG(512)
    assert len(g.g_a.blocks) == 6
    assert parameters(g) - OFFICIAL_PARAMETERS[256][0] == 512 * 512 * 27 + 512 + 2 * 512  # convolution and norm
    assert d.last_start == 448
    assert e[0][0].in_channels == 64


@pytest.mark.parametrize("size,image_channels,slab_shape,low_shape", SHAPES)
def test_shapes_and_ranges_with_batch_one(size, image_channels, slab_shape, low_shape):
    g, d, e_h, e_g = small(size, image_channels)
    z = torch.randn(1, 16)
    x = g(z)
    x_slab, x_low = g.slab_and_low(z, 8)
    assert x.shape == (1, image_channels, *volume_size(size))
    assert x_slab.shape == (1, image_channels, *slab_shape)
    assert x_low.shape == (1, image_channels, *low_shape)
    assert x.abs().max() <= 1
    assert d(x_slab, x_low, 8).shape == (1, 1)
    codes = torch.cat([e_h(s) for s in x.split(slab_shape[0], dim=2)], dim=2)
    assert codes.shape == g.g_a(z).shape
    assert e_g(codes).shape == (1, 16)


def test_a_gradient_reaches_every_parameter():
    g, d, e_h, e_g = small(32)
    x_slab, x_low = g.slab_and_low(torch.randn(2, 16), 4)
    d(x_slab, x_low, 4).sum().backward()
    e_g(torch.cat([e_h(torch.randn(2, 1, 4, 32, 32)) for _ in range(8)], dim=2)).sum().backward()
    for network in (g, d, e_h, e_g):
        for name, p in network.named_parameters():
            assert p.grad is not None and p.grad.abs().sum() > 0, name


@pytest.mark.parametrize("size", [32, 64])
def test_seamless_slab_equals_the_same_slab_of_the_whole_volume(size):
    g = small(size, slab="seamless")[0]
    z, depth = torch.randn(2, 16), size // 8
    with torch.no_grad():
        whole = g(z)
        for r in range(0, size - depth + 1, 4):
            slab = g.slab_and_low(z, r)[0]
            assert (slab - whole[:, :, r : r + depth]).abs().max() < 1e-5, r


def test_official_slab_differs_from_the_whole_volume():
    """What seamless mends: padding and normalisation of the crop by itself (design section 6)."""
    g = small(32)[0]
    z = torch.randn(2, 16)
    with torch.no_grad():
        difference = (g.slab_and_low(z, 8)[0] - g(z)[:, :, 8:12]).abs().mean()
    assert difference > 1e-3


def test_a_voxel_of_the_latent_map_lands_where_its_index_says():
    """Latent 9 becomes voxels 36 to 39; both convolutions reach one voxel of their map further: 33 to 42."""
    g = small(64, slab="seamless", slab_fraction=4)[0]
    a = torch.zeros(1, 16, 16, 16, 16)
    hot = a.clone()
    hot[:, :, 9, 8, 8] = 1
    r = 28
    with torch.no_grad():
        change = (g.slab(hot, r) - g.slab(a, r)).abs().sum(dim=(0, 1, 3, 4))
    touched = torch.nonzero(change > 1e-6).flatten() + r
    assert touched.tolist() == list(range(33, 43))


@pytest.mark.parametrize("up_form", ["composed", "products"])
def test_all_forms_of_a_generator_agree(up_form):
    wide = {"channels": 16}  # 256 channels at first: products are not for narrow layers
    g, plain = (take_form(small(64, **wide)[0], form) for form in (up_form, "plain"))
    z = torch.randn(2, 16)
    with torch.no_grad():
        torch.testing.assert_close(g(z), plain(z), rtol=1e-4, atol=1e-5)


def test_the_discriminator_sees_where_the_slab_is():
    _, d, _, _ = small(32)
    d.eval()
    x_slab, x_low = torch.randn(1, 1, 4, 32, 32), torch.randn(1, 1, 8, 8, 8)
    assert d(x_slab, x_low, 0) != d(x_slab, x_low, 28)


def test_spectral_norm_bounds_every_layer():
    _, d, _, _ = small(32)
    for _ in range(30):
        d(torch.randn(1, 1, 4, 32, 32), torch.randn(1, 1, 8, 8, 8), 0)
    layers = [m for m in d.modules() if isinstance(m, torch.nn.Conv3d | torch.nn.Linear)]
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2) == pytest.approx(1, abs=0.05)
    assert len(layers) == 4 + 2 + 2


def test_the_generator_can_be_scripted():
    g = small(32, slab="seamless")[0]
    z = torch.randn(2, 16)
    torch.testing.assert_close(torch.jit.script(g)(z), g(z))


def test_voxel_norm_sees_one_voxel_and_normalises_its_channels():
    norm = VoxelNorm(8)
    x = torch.randn(1, 8, 3, 4, 5)
    y = norm(x)
    torch.testing.assert_close(norm(x[:, :, 1:2]), y[:, :, 1:2])
    torch.testing.assert_close(y.mean(1), torch.zeros(1, 3, 4, 5), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.var(1, unbiased=False), torch.ones(1, 3, 4, 5), atol=1e-3, rtol=0)
