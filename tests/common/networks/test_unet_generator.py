import pytest
import torch
from torch import nn

from common.networks.unet_generator import UNetGenerator, seeded_dropout

# size, blocks, size after each encoder block and the bottleneck
MAPS = [
    ((16, 16, 16), 7, [(8,) * 3, (4,) * 3, (2,) * 3, (1,) * 3, (1,) * 3, (1,) * 3, (1,) * 3, (1,) * 3]),
    ((38, 38, 38), 4, [(19,) * 3, (9,) * 3, (4,) * 3, (2,) * 3, (1,) * 3]),
    ((154, 154, 54), 4, [(77, 77, 27), (38, 38, 13), (19, 19, 6), (9, 9, 3), (4, 4, 1)]),
    ((1024, 3680), 4, [(512, 1840), (256, 920), (128, 460), (64, 230), (32, 115)]),
    ((7, 1, 5), 3, [(3, 1, 2), (1, 1, 1), (1, 1, 1), (1, 1, 1)]),
    ((9, 13), 2, [(4, 6), (2, 3), (1, 1)]),
]
# size, blocks: parameters at 32 channels
PARAMETERS = {
    ((16, 16, 16), 7): 8_987_521,
    ((154, 154, 54), 4): 16_653_953,
    ((38, 38, 38), 4): 16_653_953,
    ((1024, 3680), 4): 4_164_737,
}
TRAINED = [((6, 5, 4), 2), ((9, 7), 3), ((4, 4, 4), 4)]


def generator(size, blocks, **options):
    torch.manual_seed(0)
    return UNetGenerator(size, blocks=blocks, **({"channels": 4} | options))


def noise(g, count, seed=0):
    return g.draw(count, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size,blocks", PARAMETERS)
def test_parameter_counts(size, blocks):
    with torch.device("meta"):
        g = UNetGenerator(size, blocks=blocks)
    assert sum(p.numel() for p in g.parameters()) == PARAMETERS[size, blocks]


def test_parameter_count_of_vanilla_gan_1_by_hand():
    """4³ kernels until the map is one voxel, 1³ from there; biases where there is no normalisation."""
    widths = [32, 64, 128, 256, 256, 256, 256]
    kernels = [64, 64, 64, 64, 1, 1, 1, 1]
    encoders = sum(i * o * k for i, o, k in zip([1, *widths[:-1]], widths, kernels, strict=False))
    norms = 2 * (64 + 128)  # blocks 2 and 3: the first has none by design, the fourth leaves one voxel
    bottleneck = 256 * 256 + 256
    inputs, outputs = [256, 512, 512, 512, 512, 256, 128, 64], [256, 256, 256, 256, 128, 64, 32, 1]
    decoders = sum(i * o * k for i, o, k in zip(inputs, outputs, reversed(kernels), strict=True)) + sum(outputs)
    biases = 32 + 4 * 256
    assert encoders + biases + norms + bottleneck + decoders == PARAMETERS[(16, 16, 16), 7]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("size,blocks,maps", MAPS)
def test_maps_and_images_of_thesis_and_odd_sizes_with_batch_one(size, blocks, maps, training):
    with torch.device("meta"):
        g = UNetGenerator(size, blocks=blocks, channels=1, image_channels=2).train(training)
        seen = []
        for block in [*g.encoders, g.bottleneck]:
            block.register_forward_hook(lambda _, __, output: seen.append(tuple(output.shape[2:])))
        assert g(torch.empty(1, g.latent_dim)).shape == (1, 2, *size)
    assert seen == maps
    assert len(g.encoders) == len(g.decoders) == blocks


def test_only_encoders_behind_the_first_are_normalised():
    g = generator((64, 64, 64), 4)
    normalised = [any(isinstance(layer, nn.BatchNorm3d) for layer in block) for block in g.encoders]
    assert normalised == [False, True, True, True]
    assert not any(isinstance(m, nn.BatchNorm3d) for block in (g.bottleneck, *g.decoders) for m in block.modules())


@pytest.mark.parametrize("size,blocks", TRAINED)
def test_a_gradient_reaches_every_parameter_with_batch_one(size, blocks):
    g = generator(size, blocks, channels=16)
    x = g(**noise(g, 1))
    assert x.abs().max() <= 1
    x.square().sum().backward()
    for name, p in g.named_parameters():
        assert p.grad is not None and p.grad.abs().sum() > 0, name


def test_output_is_within_one_and_fills_the_range_where_weights_are_large():
    g = generator((6, 5, 4), 2).eval()
    g.output.weight.data *= 1000
    x = g(noise(g, 2)["z"]).detach()
    assert x.abs().max() <= 1
    assert x.min() < -0.99 and x.max() > 0.99


def test_noise_is_read_as_a_volume_of_the_image_size():
    """Without skips, a noise value moves the voxels near its own place only."""
    g = generator((32, 4), 1).eval()
    z = noise(g, 1)["z"]
    changed = z.clone()
    changed[0, 4 * 20 + 1] += 5  # row 20, column 1
    rows = (g(z) - g(changed)).abs().amax(dim=(0, 1, 3)) > 0
    assert rows[20]
    assert not rows[:8].any()


def test_skip_leads_around_the_decoder():
    g = generator((8, 8, 8), 3).eval()
    a, b = noise(g, 2)["z"].split(1)
    for decoder in g.decoders:
        nn.init.zeros_(decoder.weight), nn.init.zeros_(decoder.bias)
    assert not torch.equal(g(a), g(b))
    g.output.weight.data[4:] = 0  # what comes from the first encoder block
    torch.testing.assert_close(g(a), g(b))


def test_evaluation_is_deterministic_and_a_sample_does_not_see_the_others():
    g = generator((6, 5, 4), 2)
    g(**noise(g, 3))  # moves the running statistics
    g.eval()
    z = noise(g, 3)["z"]
    assert torch.equal(g(z), g(z))
    torch.testing.assert_close(g(z)[1:2], g(z[1:2]))


def test_draw_is_reproducible_and_holds_all_noise_of_training():
    g = generator((6, 5, 4), 2)
    first, again, other = noise(g, 3), noise(g, 3), noise(g, 3, seed=1)
    assert {name: tuple(value.shape) for name, value in first.items()} == {"z": (3, 120), "dropout_seeds": (3, 2)}
    for name in first:
        assert torch.equal(first[name], again[name])
        assert not torch.equal(first[name], other[name])
    before = torch.get_rng_state()
    assert torch.equal(g(**first), g(**again))
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(g(**first), g(first["z"], other["dropout_seeds"]))
    assert not torch.equal(g(first["z"]), g(first["z"]))  # the global generator, where no seeds are given


def test_without_dropout_training_needs_no_seeds():
    g = generator((6, 5), 2, dropout=0.0)
    drawn = noise(g, 2)
    assert list(drawn) == ["z"]
    assert torch.equal(g(**drawn), g(**drawn))


def test_dropout_of_a_sample_depends_on_its_seed_alone():
    x = torch.ones(3, 4, 50, 50)
    seeds = torch.tensor([1, 2, 1])
    y = seeded_dropout(x, seeds, 0.25)
    assert torch.equal(y[0], y[2])
    assert not torch.equal(y[0], y[1])
    assert torch.equal(y[1:2], seeded_dropout(x[1:2], seeds[1:2], 0.25))
    assert y.unique().tolist() == [0, pytest.approx(4 / 3)]
    assert (y == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)  # deviation of 20,000 draws: 0.003


def test_scripted_generator_infers_the_same():
    g = generator((6, 5, 4), 2).eval()
    z = noise(g, 2)["z"]
    torch.testing.assert_close(torch.jit.script(g)(z), g(z))


@pytest.mark.parametrize("size", [(16,), (16, 0, 16), (2, 2, 2, 2)])
def test_size_is_checked(size):
    with pytest.raises(ValueError, match=r"image size is \[.*\], expected two or three positive axes"):
        UNetGenerator(size)
