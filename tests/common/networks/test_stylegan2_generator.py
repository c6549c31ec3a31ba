import pytest
import torch

from common.networks.modulated_convolution import ModulatedConvolution, upsample
from common.networks.stylegan2_generator import MappingNetwork, StyleGAN2Generator, layer_noise

SIZES = [(4, 4), (13, 30), (64, 40), (4, 6, 5), (19, 26, 9), (16, 16, 8), (38, 38, 38)]
THESIS = [
    # size, first map, layers, parameters at channels 32 and latent 256
    ((64, 64, 32), (8, 8, 4), 8, 4_466_219),
    ((1024, 3680), (4, 15), 18, 26_485_050),
    ((38, 38, 38), (5, 5, 5), 8, 4_432_683),
]


def generator(size=(16, 12), **options):
    torch.manual_seed(0)
    return StyleGAN2Generator(size, **{"latent_dim": 8, "channels": 2, "mapping_layers": 2} | options)


def noisy(network):
    for name, parameter in network.named_parameters():
        if name.endswith("noise_strength"):
            torch.nn.init.ones_(parameter)
    return network


def draw(network, count=3, seed=0):
    return network.draw(count, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", SIZES)
def test_images_of_any_size_lie_between_minus_one_and_one(size):
    network = generator(size, image_channels=2)
    images = network(**draw(network))
    assert images.shape == (3, 2, *size)
    assert images.abs().max() <= 1
    assert images.std() > 0.1


@pytest.mark.parametrize("size,first,layers,parameters", THESIS)
def test_thesis_sizes(size, first, layers, parameters):
    with torch.device("meta"):
        network = StyleGAN2Generator(size)
    assert network.start.shape[2:] == first
    assert network.layers == layers
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert {p.device.type for p in network.state_dict().values()} == {"meta"}


@pytest.mark.parametrize("size", [(16, 12), (8, 10, 9)])
@pytest.mark.parametrize("seeded", [True, False])
def test_a_gradient_reaches_every_parameter(size, seeded):
    network = generator(size)
    noise = draw(network)
    noise["noise_seed"] = noise["noise_seed"] if seeded else None
    images = network(**noise)
    (images * torch.randn_like(images)).sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_the_mapping_normalises_the_latent():
    torch.manual_seed(0)
    mapping = MappingNetwork(6, 4, 3, 0.01)
    z = torch.randn(5, 6)
    torch.testing.assert_close(mapping(z), mapping(7 * z))
    assert [tuple(layer.weight.shape) for layer in mapping] == [(4, 6), (4, 4), (4, 4)]


def test_each_convolution_takes_the_style_of_its_layer():
    network = generator((16, 16))  # 4, 8, 16
    seen = []
    for module in network.modules():
        if isinstance(module, ModulatedConvolution):
            module.register_forward_hook(lambda _, inputs, __: seen.append(inputs[1][0, 0].item()))
    network.synthesise(torch.arange(6.0)[None, :, None].expand(1, 6, 8))
    assert seen == [0, 1, 1, 2, 3, 3, 4, 5]  # conv, toRGB; then up, conv, toRGB for each resolution


def test_styles_switch_at_the_layer_of_each_sample():
    network = generator((16, 16))
    noise = draw(network, 4)
    z, z_mix, mix_layer = noise["z"], noise["z_mix"], torch.tensor([0, 2, 5, 6])
    styles = network.mixed_styles(z, z_mix, mix_layer)
    first, second = network.mapping(z), network.mapping(z_mix)
    for sample, switch in enumerate(mix_layer.tolist()):
        for layer in range(6):
            expected = second if layer >= switch else first
            assert torch.equal(styles[sample, layer], expected[sample])

    images = network(z, z_mix=z_mix, mix_layer=mix_layer)
    torch.testing.assert_close(images[0], network(z_mix)[0])
    torch.testing.assert_close(images[3], network(z)[3])
    assert not torch.allclose(images[1], network(z)[1])
    torch.testing.assert_close(images, network(z, styles=styles))


def test_mixing_needs_both_arguments():
    network = generator()
    with pytest.raises(ValueError, match="z_mix and mix_layer together"):
        network(torch.randn(1, 8), z_mix=torch.randn(1, 8))


def test_seeded_noise_of_a_sample_depends_neither_on_the_batch_nor_on_the_run():
    network = noisy(generator((16, 12)))
    noise = draw(network, 4)
    images = network(**noise)
    assert torch.equal(images, network(**noise))
    alone = network(**{name: value[2:3] for name, value in noise.items()})
    torch.testing.assert_close(images[2:3], alone)
    other = network(**noise | {"noise_seed": noise["noise_seed"] + 1})
    assert (images - other).abs().flatten(1).max(1).values.min() > 0.01


def test_layer_noise_is_white_and_other_for_each_seed_and_layer():
    noise = layer_noise(3, 1, (60, 60))
    assert torch.equal(noise, layer_noise(3, 1, (60, 60)))
    assert noise.shape == (1, 60, 60)
    assert noise.mean().item() == pytest.approx(0, abs=0.1)
    assert noise.std().item() == pytest.approx(1, abs=0.1)
    for seed, layer in [(4, 1), (3, 2), (1, 3)]:
        other = layer_noise(seed, layer, (60, 60))
        assert abs((noise * other).mean().item()) < 0.1


def test_noise_does_not_touch_the_global_generator():
    network = generator()
    state = torch.get_rng_state()
    network(**draw(network))
    assert torch.equal(state, torch.get_rng_state())


def test_without_seeds_the_noise_is_constant():
    network, other = noisy(generator()), noisy(generator(noise_buffer_seed=1))
    z = torch.randn(1, 8)
    images = network(z.expand(2, -1))
    torch.testing.assert_close(images[0], images[1])
    assert torch.equal(network(z), network(z))
    assert not torch.allclose(network(z), other(z))
    other.load_state_dict(network.state_dict())  # the noise is part of the weights
    assert torch.equal(network(z), other(z))


def test_noise_has_no_strength_at_the_start():
    network = generator()
    z = torch.randn(2, 8)
    torch.testing.assert_close(network(z), network(z, noise_seed=torch.tensor([1, 2])))


def test_draw_mixes_nine_samples_of_ten_after_the_first_layer():
    network = generator((16, 16))
    noise = draw(network, 2000)
    assert {name: tuple(value.shape) for name, value in noise.items()} == {
        "z": (2000, 8),
        "z_mix": (2000, 8),
        "mix_layer": (2000,),
        "noise_seed": (2000,),
    }
    assert sorted(set(noise["mix_layer"].tolist())) == [1, 2, 3, 4, 5, 6]
    assert (noise["mix_layer"] < 6).float().mean().item() == pytest.approx(0.9, abs=0.02)
    assert len(set(noise["noise_seed"].tolist())) == 2000
    again = draw(network, 2000)
    assert all(torch.equal(value, again[name]) for name, value in noise.items())


def test_the_last_map_is_cropped_at_its_centre():
    network = generator((38, 9))  # 1 halving: 19, 5, so 38, 10
    seen = []
    network.blocks[-1].register_forward_hook(lambda _, __, output: seen.append(output[1]))
    images = network(torch.randn(1, 8))
    assert seen[0].shape == (1, 1, 38, 10)
    torch.testing.assert_close(images, torch.tanh(seen[0][..., :9] / 2**0.5))

    network = generator((22, 38, 38))  # 2 halvings: 6, 10, 10, so 24, 40, 40
    network.blocks[-1].register_forward_hook(lambda _, __, output: seen.append(output[1]))
    images = network(torch.randn(1, 8))
    torch.testing.assert_close(images, torch.tanh(seen[1][..., 1:23, 1:39, 1:39] / 3**0.5))


def test_the_image_is_the_sum_of_the_upsampled_images_of_all_resolutions():
    network = generator((8, 8, 16))
    seen = []
    for block in network.blocks:
        torch.nn.init.constant_(block.bias, 0.1)
        block.to_image.register_forward_hook(lambda _, __, output: seen.append(output + 0.1))
    images = network(torch.randn(1, 8))
    torch.testing.assert_close(images, torch.tanh((upsample(seen[0]) + seen[1]) / 2**0.5))


@pytest.mark.parametrize("size", [(16, 12), (8, 10, 9)])
def test_bfloat16_autocast_is_close_to_full_precision(size):
    network = noisy(generator(size, channels=4))
    noise = draw(network)
    with torch.autocast("cpu", torch.bfloat16):
        images = network(**noise)
    assert images.dtype == torch.float32
    torch.testing.assert_close(images, network(**noise), rtol=0, atol=0.05)
