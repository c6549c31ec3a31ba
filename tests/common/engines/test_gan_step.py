from math import log

import pytest
import torch
from torch import nn

from common.engines.gan_step import GANStep
from common.losses.path_length import PathLength
from common.networks.conv_discriminator import ConvDiscriminator
from common.networks.image_generator import ImageGenerator
from common.networks.stylegan2_discriminator import StyleGAN2Discriminator
from common.networks.stylegan2_generator import StyleGAN2Generator
from common.networks.unet_generator import UNetGenerator
from common.transforms.diff_augment import DiffAugment

W = [3.0, 4.0, 0.0, 0.0]  # ‖w‖ = 5
REAL = torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0]]).view(2, 1, 2, 2)  # w·x = 3, 4
LATENTS = torch.tensor([[0.0, 0, 1, 0], [1, 0, 0, 0]])  # w·z = 0, 3
# objective: loss on real, on fake and the generator's, of a discriminator that says ln 3 to all
OF_LN_3 = {
    "bce": (log(4 / 3), log(4), log(4 / 3)),
    "hinge": (0.0, 1 + log(3), -log(3)),
    "wgan": (-log(3), log(3), -log(3)),
}
# options: name, network, every and optimiser of each phase
PHASES = [
    ({}, [("d", "D", 1, "d"), ("g", "G", 1, "g")]),
    ({"g_every": 5}, [("d", "D", 1, "d"), ("g", "G", 5, "g")]),
    ({"r1_weight": 1.0, "r1_every": 16}, [("d", "D", 1, "d"), ("g", "G", 1, "g"), ("r1", "D", 16, "d")]),
    (
        {"r1_weight": 1.0, "path_length_weight": 2.0, "path_length_every": 4},
        [("d", "D", 1, "d"), ("g", "G", 1, "g"), ("r1", "D", 1, "d"), ("path", "G", 4, "g")],
    ),
]


class Plain(ImageGenerator):
    """The image is the latent; remembers what it was called with."""

    def __init__(self):
        super().__init__((2, 2), image_channels=1, latent_dim=4)
        self.scale = nn.Parameter(torch.ones(()))
        self.calls = []

    def draw(self, count, rng):
        z = torch.randn(count, 4, generator=rng)
        return {"z": z, "style": torch.randint(9, (count,), generator=rng)}

    def forward(self, z, **noise):
        self.calls.append({"z": z, **noise})
        return self.scale * z.view(-1, 1, 2, 2)


class Styled(Plain):
    """Images A·w, w = z."""

    def __init__(self, matrix):
        super().__init__()
        self.matrix = nn.Parameter(matrix)

    def mixed_styles(self, z, z_mix, mix_layer):
        return (self.scale * z)[:, None]

    def synthesise(self, styles, noise_seed):
        return (styles.sum(1) @ self.matrix.T).view(-1, 1, 2, 2)


class Linear(nn.Module):
    """D(x) = w·x."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(W))

    def forward(self, x):
        return x.flatten(1) @ self.w[:, None]


class Constant(nn.Module):
    """D(x) = c."""

    def __init__(self, value):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, x):
        return self.value.expand(len(x), 1)


class Reconstructing(Linear):
    """Says that its reconstruction is off by the corner that it was asked for."""

    def draw(self, count, rng):
        return {"crop": torch.randint(1, 4, (count,), generator=rng)}

    def logits_and_reconstruction_loss(self, x, crop):
        return self(x), crop.float().mean()


class Brighter:
    """Adds what was drawn for each sample; remembers what was drawn."""

    def __init__(self):
        self.seen = []

    def draw(self, count, rng):
        return {"augment": torch.rand(count, generator=rng)}

    def __call__(self, x, parameters):
        self.seen.append(parameters["augment"])
        return x + parameters["augment"].view(-1, 1, 1, 1)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def values(losses):
    return {name: loss.item() for name, loss in losses.items()}


def linear_gan(**options):
    return GANStep(Plain(), Linear(), **options)


def batch(step, seed=0):
    return step.prepare(REAL, rng(seed)) | step.draw(2, rng(seed)) | {"generator": {"z": LATENTS}}


@pytest.mark.parametrize("weight", [10.0, 2.5])
def test_wgan_gp_on_a_linear_critic_in_closed_form(weight):
    """∇D is w wherever it is taken: gp = (5 − 1)² = 16."""
    step = linear_gan(objective="wgan_gp", gp_weight=weight)
    losses = values(step.discriminator_loss(batch(step)))
    assert losses == pytest.approx({"d": -3.5 + 1.5 + weight * 16, "d_real": -3.5, "d_fake": 1.5, "gp": 16})
    assert values(step.generator_loss(batch(step))) == pytest.approx({"g": -1.5})


@pytest.mark.parametrize("options", [{"objective": "wgan_gp", "gp_weight": 0.0}, {"objective": "wgan"}])
def test_without_the_penalty_it_is_the_wgan(options):
    step = linear_gan(**options)
    assert values(step.discriminator_loss(batch(step))) == pytest.approx({"d": -2, "d_real": -3.5, "d_fake": 1.5})


@pytest.mark.parametrize("objective", OF_LN_3)
def test_objectives_worked_out_by_hand(objective):
    d_real, d_fake, g = OF_LN_3[objective]
    step = GANStep(Plain(), Constant(log(3)), objective=objective)
    expected = {"d": d_real + d_fake, "d_real": d_real, "d_fake": d_fake}
    assert values(step.discriminator_loss(batch(step))) == pytest.approx(expected, abs=1e-6)
    assert values(step.generator_loss(batch(step))) == pytest.approx({"g": g}, abs=1e-6)


@pytest.mark.parametrize(("options", "expected"), PHASES)
def test_phases_how_often_and_with_which_optimiser(options, expected):
    step = GANStep(Styled(torch.eye(4)), Linear(), path_length=PathLength(), **options)
    names = {step.g: "G", step.d: "D"}
    found = [(phase.name, names[phase.network], phase.every, phase.optimizer) for phase in step.phases]
    assert found == expected


@pytest.mark.parametrize(("every", "r1"), [(1, 25.0), (16, 400.0)])
def test_r1_of_a_linear_critic_in_closed_form(every, r1):
    """γ·every/2·‖w‖² with γ = 2."""
    step = linear_gan(r1_weight=2.0, r1_every=every)
    assert values(step.r1_loss(batch(step))) == pytest.approx({"r1": r1})


def test_path_length_worked_out_by_hand_moves_its_mean():
    """Aᵀy = (3, 4): 5, over √4 pixels: 2.5, of which the mean takes one hundredth; weight 2, every 8 steps."""
    matrix = torch.tensor([[1.0, 0, 0, 0], [0, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    path_length = PathLength()
    step = GANStep(Styled(matrix), Linear(), path_length=path_length, path_length_weight=2.0)
    noise = {"path": torch.tensor([3.0, 2, 7, -1]).expand(2, 4).reshape(2, 1, 2, 2)}
    mixed = {"z": LATENTS, "z_mix": LATENTS, "mix_layer": torch.ones(2), "noise_seed": torch.ones(2)}
    losses = step.path_loss(batch(step) | {"generator": mixed} | noise)
    assert values(losses) == pytest.approx({"path": 2 * 8 * (2.5 - 0.025) ** 2})
    assert path_length.mean.item() == pytest.approx(0.025)
    losses["path"].backward()
    assert step.g.matrix.grad.any()


def test_noise_of_the_path_length_is_drawn_only_for_it():
    step = GANStep(Styled(torch.eye(4)), Linear(), path_length=PathLength(), path_length_weight=2.0)
    assert step.draw(3, rng())["path"].shape == (3, 1, 2, 2)
    assert "path" not in linear_gan().draw(3, rng())


def test_real_and_generated_images_are_augmented_alike():
    augment = Brighter()
    step = linear_gan(objective="wgan", augment=augment)
    b = batch(step)
    drawn = b["augment"]["augment"]
    shift = 7 * drawn.mean().item()  # w·(x + a·1) = w·x + 7a
    expected = {"d": -2, "d_real": -3.5 - shift, "d_fake": 1.5 + shift}
    assert values(step.discriminator_loss(b)) == pytest.approx(expected)
    assert values(step.generator_loss(b)) == pytest.approx({"g": -1.5 - shift})
    assert len(augment.seen) == 3
    assert all(torch.equal(seen, drawn) for seen in augment.seen)


def test_r1_is_taken_before_the_augmentation():
    """Contrast doubled by the augmentation doubles the gradient: ‖2w‖² = 100."""
    step = linear_gan(r1_weight=1.0, augment=Brighter())
    step._seen = lambda x, b: 2 * x
    assert values(step.r1_loss(batch(step))) == pytest.approx({"r1": 50})


def test_diff_augment_fits():
    torch.manual_seed(0)
    step = GANStep(*small_gan(), augment=DiffAugment(pairing="z_concat"))
    b = step.prepare(torch.rand(2, 1, 8, 8, 8), rng()) | step.draw(2, rng())
    plain = step.discriminator_loss(b)["d_real"]
    step.augment = None
    assert plain != step.discriminator_loss(b)["d_real"]


def test_reconstruction_adds_with_its_weight():
    step = GANStep(Plain(), Reconstructing(), objective="wgan", reconstruction_weight=4.0)
    losses = values(step.discriminator_loss(batch(step) | {"discriminator": {"crop": torch.tensor([1, 2])}}))
    assert losses == pytest.approx({"d": -2 + 4 * 1.5, "d_real": -3.5, "d_fake": 1.5, "reconstruction": 1.5})
    assert step.draw(5, rng())["discriminator"]["crop"].shape == (5,)


def test_without_its_weight_nothing_is_reconstructed():
    step = GANStep(Plain(), Reconstructing(), objective="wgan")
    assert "discriminator" not in step.draw(2, rng())
    assert "reconstruction" not in step.discriminator_loss(batch(step))


def test_draws_are_reproducible_and_reach_the_generator_by_name():
    step = linear_gan(objective="wgan_gp")
    noise, again, other = step.draw(3, rng()), step.draw(3, rng()), step.draw(3, rng(1))
    assert set(noise) == {"generator", "epsilon"} and set(noise["generator"]) == {"z", "style"}
    torch.testing.assert_close(noise, again, rtol=0, atol=0)
    assert not torch.equal(noise["generator"]["z"], other["generator"]["z"])
    step.generator_loss(noise)
    (call,) = step.g.calls
    assert call.keys() == {"z", "style"}
    torch.testing.assert_close(call, noise["generator"], rtol=0, atol=0)


def test_noise_is_drawn_in_the_order_of_generator_epsilon_path_augmentation_discriminator():
    """Runs of all versions have the same numbers."""
    options = {"path_length_weight": 2.0, "reconstruction_weight": 4.0, "augment": Brighter()}
    step = GANStep(Styled(torch.eye(4)), Reconstructing(), path_length=PathLength(), **options)
    r = rng(7)
    expected = {
        "generator": {"z": torch.randn(3, 4, generator=r), "style": torch.randint(9, (3,), generator=r)},
        "epsilon": torch.rand(3, generator=r),
        "path": torch.randn(3, 1, 2, 2, generator=r),
        "augment": {"augment": torch.rand(3, generator=r)},
        "discriminator": {"crop": torch.randint(1, 4, (3,), generator=r)},
    }
    torch.testing.assert_close(step.draw(3, rng(7)), expected, rtol=0, atol=0)


def small_gan(kind="unet"):
    torch.manual_seed(0)
    if kind == "unet":
        size = (8, 8, 8)
        return UNetGenerator(size, channels=2, blocks=2), ConvDiscriminator(size, channels=2, blocks=2)
    size = (8, 8)
    return StyleGAN2Generator(size, latent_dim=4, channels=2), StyleGAN2Discriminator(size, channels=2)


@pytest.mark.parametrize("kind", ["unet", "stylegan2"])
def test_discriminator_and_generator_learn_from_their_own_loss_alone(kind):
    step = GANStep(*small_gan(kind), objective="wgan_gp")
    b = step.prepare(torch.rand(2, 1, *step.g.size), rng()) | step.draw(2, rng())
    step.discriminator_loss(b)["d"].backward()
    assert all(p.grad is None for p in step.g.parameters())
    assert all(p.grad is not None for p in step.d.parameters())
    step.d.requires_grad_(False)
    step.generator_loss(b)["g"].backward()
    assert all(p.grad is not None for p in step.g.parameters())


def test_images_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"images \[1, 2, 3\], expected the generator's \[1, 2, 2\]"):
        linear_gan().prepare(torch.zeros(2, 1, 2, 3), rng())


def test_classes_are_refused():
    with pytest.raises(ValueError, match="images with classes, which this GAN has none of"):
        linear_gan().prepare(REAL, rng(), torch.tensor([0, 1]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reconstruction_weight": 1.0}, "Linear does not reconstruct: set reconstruction_weight to 0"),
        ({"path_length_weight": 2.0}, "Plain has no styles: set path_length_weight to 0"),
        ({"g_every": 0}, "phase 'g' takes part every 0 steps, expected 1 or more"),
    ],
)
def test_what_a_network_cannot_do_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        linear_gan(path_length=PathLength(), **options)
