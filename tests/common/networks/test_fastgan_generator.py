import pytest
import torch

from common.networks.fastgan_generator import FastGANGenerator, NoiseInjection, SkipLayerExcitation, UpBlock

# size, image channels: exact, cropped, without doublings, ×16 and beyond
SIZES = [((16, 16), 1), ((19, 45), 2), ((5, 6), 1), ((128, 130), 1), ((16, 16, 16), 1), ((9, 12, 10), 2)]


def small(size, **options):
    torch.manual_seed(0)
    return FastGANGenerator(size, **{"latent_dim": 8, "channels": 4, **options})


def drawn(network, count=2, seed=0):
    return network.draw(count, torch.Generator().manual_seed(seed))


def with_noise(network, weight=0.5):
    for module in network.modules():
        if isinstance(module, NoiseInjection):
            torch.nn.init.constant_(module.weight, weight)
    return network


@pytest.mark.parametrize(("size", "image_channels"), SIZES)
def test_images_have_the_exact_size_and_range(size, image_channels):
    network = small(size, image_channels=image_channels)
    images = network(**drawn(network))
    assert images.shape == (2, image_channels, *size)
    assert images.abs().max() <= 1


@pytest.mark.parametrize("size", [(16,), (3, 16), (8, 8, 8, 8)])
def test_impossible_size_is_refused(size):
    with pytest.raises(ValueError, match="2 or 3 axes of at least 4"):
        FastGANGenerator(size)


def test_parameter_counts():
    """Counted by hand for 64 × 64 × 32 at base width 64: first map 8 × 8 × 4, widths 1024, 512, 256, 128."""
    with torch.device("meta"):
        network = FastGANGenerator((64, 64, 32))
    initial = 256 * 2048 * 8 * 8 * 4 + 2 * 2048
    double = 27 * (1024 * 1024 + 512 * 1024) + 2 * 2 * 1024 + 2  # two convolutions to 1024, GLU to 512
    single = 27 * 512 * 512 + 2 * 512 + 1
    last = 27 * (256 * 256 + 128 * 256) + 2 * 2 * 256 + 2
    excitation = 64 * 1024 * 128 + 128 * 128
    to_image = 27 * 128 + 1
    assert sum(p.numel() for p in network.parameters()) == initial + double + single + last + excitation + to_image


@pytest.mark.parametrize("size", [(128, 128), (16, 16, 8)])
def test_a_gradient_reaches_every_parameter(size):
    network = with_noise(small(size))
    images = network(**drawn(network))
    (images * torch.randn(images.shape)).sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_excitations_reach_over_four_doublings():
    network = small((128, 128))  # 4², then 8² … 128²: 4² to 64² and 8² to 128²
    seen = []
    for excitation in network.excitations:
        excitation.register_forward_hook(lambda _, maps, __: seen.append([m.shape[-1] for m in maps]))
    network(**drawn(network))
    assert seen == [[4, 64], [8, 128]]


@pytest.mark.parametrize("dims", [2, 3])
def test_excitation_worked_by_hand(dims):
    """One channel below, two above: pooled to 4ⁿ all is 1, so the first convolution sums its weights."""
    excitation = SkipLayerExcitation(dims, 1, 2)
    first, second = excitation.weights[1], excitation.weights[3]
    voxels = 4**dims
    with torch.no_grad():
        first.weight[0], first.weight[1] = 2 / voxels, -5 / voxels  # 2 and -5, after the leaky ReLU 2 and -0.5
        second.weight.copy_(torch.tensor([[1.0, 2.0], [0.0, 4.0]]).view(2, 2, *[1] * dims))
    low = torch.ones(1, 1, *[8] * dims)
    high = torch.stack([torch.full([16] * dims, 10.0), torch.full([16] * dims, 3.0)])[None]
    y = excitation(low, high)
    expected = [10 * torch.sigmoid(torch.tensor(2 - 2 * 0.5)), 3 * torch.sigmoid(torch.tensor(-4 * 0.5))]
    for channel in range(2):
        assert torch.allclose(y[0, channel], expected[channel].expand_as(y[0, channel]))


def test_excitation_differs_between_samples():
    excitation = SkipLayerExcitation(2, 3, 5)
    low, high = torch.randn(2, 3, 7, 9), torch.ones(2, 5, 20, 20)
    together = excitation(low, high)
    assert not torch.allclose(together[0], together[1])
    assert torch.allclose(together[1:], excitation(low[1:], high[1:]), atol=1e-6)


@pytest.mark.parametrize("dims", [2, 3])
def test_up_block_is_upsampling_convolution_and_gated_unit(dims):
    torch.manual_seed(0)
    block = UpBlock(dims, 3, 2, convolutions=1, norm="")
    x = torch.randn(2, 3, *[6] * dims)
    weight = block.convs[0].weight if dims == 3 else block.convs[0][1].weight
    up = x
    for axis in range(2, 2 + dims):
        up = up.repeat_interleave(2, dim=axis)
    h = getattr(torch.nn.functional, f"conv{dims}d")(up, weight, padding=1)
    assert torch.allclose(block(x), h[:, :2] * torch.sigmoid(h[:, 2:]), atol=1e-5)


def test_blocks_alternate():
    assert [len(block.convs) for block in small((64, 64)).blocks] == [2, 1, 2, 1]


def test_noise_is_one_map_a_sample_times_the_weight():
    inject = with_noise(NoiseInjection(), 0.25)
    x = torch.zeros(2, 3, 40, 50)
    noise = [torch.Generator().manual_seed(seed) for seed in (7, 8)]
    y = inject(x, noise)
    assert torch.equal(y[1, 0], 0.25 * torch.randn((1, 40, 50), generator=torch.Generator().manual_seed(8))[0])
    assert torch.equal(y[:, 0], y[:, 2])
    assert not torch.equal(y[0], y[1])


def test_noise_of_a_sample_does_not_depend_on_its_batch():
    network = with_noise(small((16, 16, 16))).eval()
    noise = drawn(network, 3)
    whole = network(**noise)
    alone = network(**{key: value[2:] for key, value in noise.items()})
    assert torch.allclose(whole[2:], alone, atol=1e-6)
    other = network(noise["z"], noise["noise_seed"] + 1)
    assert not torch.allclose(whole, other, atol=1e-3)


def test_inference_is_without_noise_and_deterministic():
    network = with_noise(small((16, 16))).eval()
    z = drawn(network)["z"]
    before = torch.get_rng_state()
    first = network(z)
    assert torch.equal(first, network(z))
    assert torch.equal(first, with_noise(network, 0.0)(**drawn(network)))
    assert torch.equal(before, torch.get_rng_state())


def test_training_draws_nothing_from_the_global_generator():
    network = with_noise(small((16, 16)))
    before = torch.get_rng_state()
    assert torch.equal(network(**drawn(network)), network(**drawn(network)))
    assert torch.equal(before, torch.get_rng_state())


def test_draws_are_reproducible():
    network = small((16, 16))
    first, again, other = drawn(network, 4), drawn(network, 4), drawn(network, 4, seed=1)
    assert first["z"].shape == (4, 8) and first["noise_seed"].shape == (4,) and first["noise_seed"].dtype == torch.int64
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not any(torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("norm", ["batch", ("group", {"num_groups": 4})])
def test_batch_of_one(norm):
    network = small((16, 16, 8), norm=norm)
    images = network(**drawn(network, 1))
    images.square().mean().backward()
    assert images.isfinite().all()
    assert network.eval()(torch.zeros(1, 8)).shape == (1, 1, 16, 16, 8)


def test_tracing_gives_the_same_images():
    network = small((16, 20)).eval()
    z = torch.randn(2, 8)
    traced = torch.jit.trace(network, torch.randn(2, 8))
    assert torch.allclose(traced(z), network(z), atol=1e-6)
