import pytest
import torch
from torch import nn

from common.networks.latent_flow import LatentFlow

SIZE = (16, 24, 8)


def build(seed=0, **options):
    torch.manual_seed(seed)
    options = {"size": SIZE, "labels": 3, "latent_channels": 4, "channels": [8, 16], "sampling_steps": 2, **options}
    return LatentFlow(**options)


def masks(count=2, labels=3):
    """Masks (B, 1, *SIZE) whose classes are stacked in layers that the occupancies give back."""
    line = torch.arange(labels).repeat_interleave(4).repeat(SIZE[1])[: SIZE[1]]
    mask = line.view(1, 1, 1, -1, 1).expand(count, 1, *SIZE)
    return mask / (labels - 1) * 2 - 1


class Exact(nn.Module):
    """The velocity of a straight way to `target`, whatever the level; remembers what it was called with."""

    def __init__(self, target):
        super().__init__()
        self.target, self.calls, self.noise = target, [], None

    def forward(self, code, level, class_labels):
        self.calls.append((code, level, class_labels))
        self.noise = code if self.noise is None else self.noise
        return self.target - self.noise


@pytest.mark.parametrize(
    ("options", "code_channels"),
    [({}, 4 + 16), ({"labels": 2}, 4 + 8), ({"latent_channels": 24, "channels": [16]}, 24 + 16)],
    ids=str,
)
def test_shapes_and_lengths(options, code_channels):
    generator = build(**options)
    assert generator.code_channels == code_channels and generator.grid == (4, 6, 2)
    assert generator.latent_dim == code_channels * 4 * 6 * 2
    with torch.no_grad():
        pairs = generator(torch.randn(2, generator.latent_dim))
    assert pairs.shape == (2, 2, *SIZE)
    assert pairs.abs().max() <= 1
    assert set(pairs[:, 1].unique().tolist()) <= set(torch.linspace(-1, 1, options.get("labels", 3)).tolist())


def test_the_number_of_parameters_at_the_default_widths():
    generator = LatentFlow([128, 128, 64], labels=3)
    assert sum(p.numel() for p in generator.flow.parameters()) == 4_614_664
    assert generator.latent_dim == 655_360


def test_the_same_latents_give_the_same_pairs_alone_and_in_a_batch():
    generator = build()
    z = torch.randn(3, generator.latent_dim)
    with torch.no_grad():
        whole, alone = generator(z), generator(z[1:2])
    torch.testing.assert_close(whole[1:2], alone, atol=1e-5, rtol=0)


def test_the_temperature_multiplies_the_noise():
    generator, cooler = build(sampling_steps=3), build(sampling_steps=3, temperature=0.5)
    cooler.load_state_dict(generator.state_dict())
    z = torch.randn(2, generator.latent_dim, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(cooler.eval()(z), generator.eval()(z / 2))


def test_the_masks_noise_has_a_temperature_of_its_own():
    generator, cooler = build(sampling_steps=3), build(sampling_steps=3, temperature=0.5, mask_temperature=0.8)
    cooler.load_state_dict(generator.state_dict())
    z = torch.randn(2, generator.latent_dim, generator=torch.Generator().manual_seed(0))
    parts = z.view(2, generator.code_channels, -1).split([generator.latent_channels, generator.mask_code.channels], 1)
    scaled = torch.cat([0.5 * parts[0], 0.8 * parts[1]], 1).flatten(1)
    torch.testing.assert_close(cooler.eval()(z), generator.eval()(scaled))


def test_an_image_that_is_redrawn_from_noise_alone_is_that_of_its_mask():
    once, twice = build(sampling_steps=3), build(sampling_steps=3, redraw=1, redraw_temperature=0.5)
    twice.load_state_dict(once.state_dict())
    z = torch.randn(2, once.latent_dim, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        first, second = once.eval()(z), twice.eval()(z)
        mask = first[:, 1:]
        noise = z.view(2, once.code_channels, *once.grid).flip((2, 3, 4)) / 2
        assert torch.equal(second[:, 1:], mask)
        torch.testing.assert_close(second, once(noise.flatten(1), mask))
    assert not torch.allclose(first[:, :1], second[:, :1])


def test_the_less_noise_the_nearer_is_what_is_redrawn():
    once = build(sampling_steps=3)
    z = torch.randn(2, once.latent_dim, generator=torch.Generator().manual_seed(0))
    far = []
    for share in (0.01, 0.3, 1):
        twice = build(sampling_steps=3, redraw=share)
        twice.load_state_dict(once.state_dict())
        with torch.no_grad():
            far.append((twice.eval()(z) - once.eval()(z)).abs().mean().item())
    assert far == sorted(far) and far[0] < 0.05 * far[2]


def test_a_gradient_reaches_every_parameter_of_the_flow_and_the_code_has_none():
    generator = build()
    code = torch.randn(2, generator.code_channels, *generator.grid)
    generator.velocity(code, torch.tensor([10.0, 900.0]), torch.tensor([0, 1])).square().sum().backward()
    assert [name for name, weight in generator.flow.named_parameters() if weight.grad is None] == []
    assert len(list(generator.parameters())) == len(list(generator.flow.parameters()))


@pytest.mark.parametrize("steps", [1, 7, 30])
def test_the_exact_velocity_leads_to_the_data(steps):
    generator = build(latent_channels=64, sampling_steps=steps)
    pairs = torch.cat([torch.rand(2, 1, *SIZE) * 2 - 1, masks()], 1)
    generator.image_code.fit(pairs[:, :1])
    generator.flow = Exact(generator.encode(pairs))
    drawn = generator(torch.randn(2, generator.latent_dim))
    torch.testing.assert_close(drawn, pairs, atol=1e-4, rtol=0)
    assert len(generator.flow.calls) == steps
    levels = [level.tolist() for _, level, _ in generator.flow.calls]
    assert levels[0] == [1000, 1000] and levels == sorted(levels, reverse=True)


def test_a_given_mask_comes_back_as_it_was_and_is_seen_clean_at_each_step():
    generator = build(sampling_steps=3)
    mask = (torch.rand(2, 1, *SIZE) * 3).floor().clip(0, 2) - 1  # no layers: the occupancies would change it
    seen = generator.mask_code.encode(mask)
    generator.flow = Exact(torch.randn(2, generator.code_channels, *generator.grid))
    drawn = generator(torch.randn(2, generator.latent_dim), mask=mask)
    assert torch.equal(drawn[:, 1:], mask)
    for code, _, given in generator.flow.calls:
        assert torch.equal(code[:, 4:], seen) and given.tolist() == [1, 1]


def test_the_mask_decides_the_image_and_its_noise_does_not():
    generator = build()
    for weight in generator.flow.parameters():
        nn.init.normal_(weight, std=0.1)  # MONAI begins with a last layer of zeros
    z = torch.randn(1, generator.latent_dim)
    other = z.clone().view(1, generator.code_channels, -1)
    other[:, 4:] += 1
    with torch.no_grad():
        plain = generator(z, mask=masks(1))
        assert torch.equal(plain, generator(other.flatten(1), mask=masks(1)))
        assert not torch.equal(plain[:, :1], generator(z, mask=-masks(1))[:, :1])


def test_the_velocity_of_a_given_mask_is_zero():
    generator = build()
    for weight in generator.flow.parameters():
        nn.init.normal_(weight, std=0.1)
    code, level = torch.randn(2, generator.code_channels, *generator.grid), torch.tensor([300.0, 300.0])
    velocity = generator.velocity(code, level, torch.tensor([1, 0]))
    assert velocity[0, 4:].eq(0).all() and velocity[1, 4:].abs().max() > 0
    assert velocity[:, :4].abs().amax(dim=(1, 2, 3, 4)).min() > 0


def test_another_flow_shares_the_code_and_changes_nothing_in_this_one():
    generator, flow = build(), build(seed=1).flow
    averaged = generator.with_flow(flow)
    assert averaged.flow is flow and generator.flow is not flow
    assert averaged.image_code is generator.image_code
    assert averaged.state_dict().keys() == generator.state_dict().keys()
    generator.image_code.fit([torch.rand(1, *SIZE) for _ in range(2)])
    assert torch.equal(averaged.state_dict()["image_code.basis"], generator.image_code.basis)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": (16, 20, 8)}, "image_size is .*, expected three multiples of 8 .2 widths."),
        ({"size": (16, 16)}, "image_size is .16, 16., expected three multiples"),
        ({"size": (0, 16, 8)}, "image_size is .0, 16, 8., expected"),
        ({"channels": []}, "channels are .., expected one or more multiples of 8"),
        ({"channels": [8, 12]}, "channels are .8, 12., expected one or more multiples of 8"),
        ({"channels": [0, 8]}, "channels are .0, 8., expected one or more multiples of 8"),
        ({"channels": [8, 40]}, "channels end with 40, expected a multiple of 32"),
        ({"latent_channels": 65}, "latent_channels is 65, expected 1 to 64"),
        ({"labels": 1}, "labels is 1, expected 2 or more"),
        ({"temperature": 0}, "temperature is 0, expected more than 0"),
        ({"mask_temperature": -1}, "mask_temperature is -1, expected more than 0"),
        ({"redraw": 0}, "redraw is 0, expected above 0 to 1"),
        ({"redraw": 1.5}, "redraw is 1.5, expected above 0 to 1"),
        ({"redraw_temperature": 0}, "redraw_temperature is 0, expected more than 0"),
        ({"sampling_steps": 0}, "sampling_steps is 0, expected 1 to 1000"),
        ({"sampling_steps": 1001}, "sampling_steps is 1001, expected 1 to 1000"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)
