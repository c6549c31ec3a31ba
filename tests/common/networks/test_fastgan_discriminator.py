import pytest
import torch

from common.losses.gradient_penalty import gradient_penalty
from common.networks.fastgan_discriminator import DownBlock, FastGANDiscriminator

# size, image channels, logits, decoders' extents of the whole and of the part
SHAPES = [
    ((64, 64), 1, 25, (64, 64), (32, 32)),
    ((32, 75), 2, 75, (32, 72), (16, 36)),
    ((16, 16, 16), 1, 1, (16, 16, 16), (8, 8, 8)),
    ((38, 38, 19), 2, 36, (36, 36, 16), (18, 18, 8)),
]


def small(size, **options):
    torch.manual_seed(0)
    return FastGANDiscriminator(size, **{"channels": 2, **options})


def batch(size, image_channels=1, count=2):
    return torch.rand(count, image_channels, *size, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.mark.parametrize(("size", "image_channels", "logits", "whole", "part"), SHAPES)
def test_shapes(size, image_channels, logits, whole, part):
    network = small(size, image_channels=image_channels)
    x, crop = batch(size, image_channels), torch.tensor([0, 3])
    assert network(x).shape == (2, logits)
    for images in (network.reconstruct(x, crop), network.targets(x, crop)):
        assert [i.shape for i in images] == [(2, image_channels, *whole), (2, image_channels, *part)]
        assert all(i.abs().max() <= 1 for i in images)


def test_scales_of_the_paper():
    """1024² ends in 16² and 8² features, 5 × 5 logits and two images of 128²; plain ↓ twice, then 5 residual blocks."""
    with torch.device("meta"):
        network = FastGANDiscriminator((1024, 1024)).eval()
        assert network(torch.empty(1, 1, 1024, 1024)).shape == (1, 25)
    assert (network.feature_half, network.whole_size, network.part_size) == ([8, 8], [128, 128], [128, 128])
    assert [isinstance(s, DownBlock) for s in [*network.encoder, network.last]] == [False] * 2 + [True] * 5


@pytest.mark.parametrize("size", [(64,), (15, 64), (16, 16, 8)])
def test_impossible_size_is_refused(size):
    with pytest.raises(ValueError, match="2 or 3 axes of at least 16"):
        FastGANDiscriminator(size)


def test_parameter_counts():
    """Counted by hand for 64 × 64 × 32 at base width 16: widths 64, 128, 256; no spectral norm, which adds none."""
    with torch.device("meta"):
        plain, normalised = (FastGANDiscriminator((64, 64, 32), channels=16, spectral_norm=s) for s in (False, True))

    def block(i, o):
        return 64 * i * o + 27 * o * o + i * o + 3 * 2 * o

    def decoder(i, o, *, last=False):
        return 27 * i * 2 * o + 4 * o + (27 * o + 1 if last else 0)

    encoder = 64 * 64 + 64 + block(64, 128) + block(128, 256)
    logits = 256 * 256 + 2 * 256 + 64 * 256 + 1
    whole = decoder(256, 128) + decoder(128, 64) + decoder(64, 32, last=True)
    part = decoder(128, 64) + decoder(64, 32, last=True)
    counts = [sum(p.numel() for p in network.parameters()) for network in (plain, normalised)]
    assert counts == [encoder + logits + whole + part] * 2


@pytest.mark.parametrize("size", [(32, 32), (16, 16, 16)])
def test_a_gradient_reaches_every_parameter(size):
    network = small(size)
    logits, loss = network.logits_and_reconstruction_loss(batch(size), torch.tensor([0, 1]))
    ((logits * torch.randn(logits.shape)).sum() + loss).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("spectral_norm", [True, False])
def test_spectral_norm_bounds_encoder_and_logits(spectral_norm):
    network = small((32, 32), spectral_norm=spectral_norm)
    with torch.no_grad():
        for module in network.encoder.modules():
            if isinstance(module, torch.nn.Conv2d) and not spectral_norm:
                module.weight *= 100
            elif isinstance(module, torch.nn.Conv2d):
                module.parametrizations.weight.original *= 100
    sigmas = [torch.linalg.matrix_norm(layer.weight.flatten(1), 2) for layer in _convolutions(network)]
    assert all(s < 1.3 for s in sigmas) == spectral_norm  # the power iteration approaches 1 from above


def _convolutions(network):
    modules = [*network.encoder.modules(), *network.last.modules(), *network.to_logits.modules()]
    return [m for m in modules if isinstance(m, torch.nn.Conv2d)]


def test_down_block_is_the_mean_of_both_paths():
    torch.manual_seed(0)
    block = DownBlock(2, 1, 1, norm="")
    with torch.no_grad():
        for p in block.main.parameters():
            p.zero_()
        block.direct[1][0].weight.fill_(3.0)
        block.direct[1][0].bias.zero_()
    y = block(torch.arange(16.0).view(1, 1, 4, 4))
    assert torch.equal(y[0, 0], 3 * torch.tensor([[2.5, 4.5], [10.5, 12.5]]) / 2)


@pytest.mark.parametrize("size", [(32, 40), (17, 16, 20)])
def test_every_crop_names_its_own_corner(size):
    """Targets of a ramp along one axis: the upper half of that axis is the brighter one, whatever the other bits."""
    network = small(size)
    crops = torch.arange(2 ** len(size))
    for axis, extent in enumerate(size):
        ramp = torch.linspace(-1, 1, extent).view([-1 if a == axis else 1 for a in range(len(size))]).expand(size)
        whole, part = network.targets(ramp.expand(len(crops), 1, *size), crops)
        upper = (crops >> axis) & 1 == 1
        assert torch.allclose(whole.flatten(1).mean(1), torch.zeros(len(crops)), atol=1e-5)
        assert (part[upper].flatten(1).mean(1) > 0.4).all() and (part[~upper].flatten(1).mean(1) < -0.4).all()


def test_targets_are_averages_of_blocks():
    network = small((32, 32))  # f2 8² to 32², f1 16², its half 8² to 16²
    x = batch((32, 32))
    whole, part = network.targets(x, torch.tensor([0, 2]))
    assert torch.equal(whole, x)
    assert torch.allclose(part, torch.stack([x[0, :, :16, :16], x[1, :, :16, 16:]]))
    tall = small((1024, 32))
    y = batch((1024, 32), count=1)
    assert torch.allclose(tall.targets(y, torch.tensor([3]))[1], y[:, :, 512:, 16:])


def test_large_images_are_averaged_down():
    network = small((256, 256))
    x = batch((256, 256), count=1)
    whole, part = network.targets(x, torch.tensor([1]))
    assert torch.allclose(whole, x.view(1, 1, 128, 2, 128, 2).mean((3, 5)), atol=1e-6)
    assert torch.allclose(part, x[:, :, 128:, :128], atol=1e-6)


def test_part_is_decoded_from_the_same_corner_as_its_target():
    """Through the identity in place of both encoder and decoder, features and image are cut at the same corner."""
    network = small((32, 32))
    network.encoder, network.last, network.decode_whole = (torch.nn.AvgPool2d(2), *[torch.nn.Identity()] * 2)
    network.decode_part = torch.nn.Upsample(scale_factor=2)
    x = torch.nn.Upsample(scale_factor=2)(batch((16, 16), count=4))
    crops = torch.arange(4)
    assert torch.equal(network.reconstruct(x, crops)[1], network.targets(x, crops)[1])


def test_a_perfect_reconstruction_costs_nothing():
    network = small((32, 32))
    x, crop = batch((32, 32)), torch.tensor([1, 2])
    whole, part = network.targets(x, crop)
    network.reconstruct = lambda x, crop: (whole, part)
    assert network.reconstruction_loss(x, crop) == 0
    network.reconstruct = lambda x, crop: (whole + 0.25, part - 0.5)
    assert network.reconstruction_loss(x, crop).item() == pytest.approx(0.75, abs=1e-6)


def test_one_encoding_gives_the_same_logits_and_loss():
    network = small((32, 32)).eval()
    x, crop = batch((32, 32)), torch.tensor([1, 2])
    logits, loss = network.logits_and_reconstruction_loss(x, crop)
    assert torch.equal(logits, network(x))
    assert torch.equal(loss, network.reconstruction_loss(x, crop))


def test_reconstruction_learns():
    network = small((32, 32), spectral_norm=False)
    x, crop = torch.tensor([0.5, -0.5]).view(2, 1, 1, 1) + batch((32, 32)) * 0.1, torch.tensor([1, 2])
    adam = torch.optim.Adam(network.parameters(), lr=0.01)
    losses = []
    for _ in range(12):
        adam.zero_grad()
        losses.append(network.reconstruction_loss(x, crop))
        losses[-1].backward()
        adam.step()
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize("norm", ["batch", ""])
def test_gradient_penalty_reaches_the_encoder(norm):
    network = small((16, 16, 16), norm=norm)
    x = batch((16, 16, 16))
    gradient_penalty(network, [x], [-x], torch.tensor([0.2, 0.7])).backward()
    gradients = [p.grad for p in network.encoder.parameters() if p.ndim > 1]
    assert gradients and all(g.isfinite().all() and g.any() for g in gradients)


def test_draws_are_reproducible_and_name_every_corner():
    network = small((16, 16, 16))
    first, again = (network.draw(200, torch.Generator().manual_seed(0))["crop"] for _ in range(2))
    assert torch.equal(first, again)
    assert first.unique().tolist() == list(range(8))
