"""The training step of a GAN of two networks: Vanilla GAN, WGAN, FastGAN, StyleGAN2 (thesis 3.6.1 to 3.6.4)."""

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ..losses.adversarial import HAS_SIGN, Objective, discriminator_losses, generator_loss
from ..losses.gradient_penalty import gradient_penalty, r1_penalty
from ..losses.path_length import PathLength
from ..networks.image_generator import ImageGenerator
from ..transforms.diff_augment import DiffAugment
from .phase import Batch, Phase
from .step import Step


@runtime_checkable
class Styled(Protocol):
    """A generator that makes styles of its latents first, as StyleGAN2's does."""

    def mixed_styles(self, z: Tensor, z_mix: Tensor, mix_layer: Tensor) -> Tensor:
        """Styles (B, layers, style_dim)."""

    def synthesise(self, styles: Tensor, noise_seed: Tensor) -> Tensor:
        """Images of styles."""


@runtime_checkable
class Reconstructing(Protocol):
    """A discriminator that reconstructs real images, as FastGAN's does."""

    def draw(self, count: int, rng: torch.Generator) -> dict[str, Tensor]:
        """What to reconstruct, as the loss takes it."""

    def logits_and_reconstruction_loss(self, x: Tensor, crop: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of real images, and the loss of their reconstruction."""


class GANStep(Step):
    """D, then G, then the regularisers that are switched on; what tells one GAN from another is a network or a number.

    Noise is named after who takes it: ``generator``, ``discriminator`` and ``augment`` are what their own `draw` gave;
    of all images in one update, real or generated, `augment` makes the same change. A regulariser of `…_every` above 1
    is weighted by it, so that its mean strength stays (Karras et al., 2020, app. B).

    Args:
        generator: Takes what its ``draw`` gives.
        discriminator: Images to logits.
        objective: bce, hinge or wgan_gp.
        g_every: Steps of D, each with real images of its own, to one of G (Arjovsky et al., 2017, n_critic).
        gp_weight: λ of WGAN-GP, used with objective wgan_gp; 0 leaves the penalty out, for clipped weights.
        r1_weight: γ of R1, a phase of its own; 0 is off.
        r1_every: Steps from one R1 to the next.
        path_length: Running mean of the path lengths.
        path_length_weight: Of StyleGAN2's path length regularisation, a phase of its own; 0 is off. The generator must
            be `Styled`.
        path_length_every: Steps from one to the next.
        reconstruction_weight: Of FastGAN's reconstruction by a `Reconstructing` discriminator; 0 is off.
        augment: Differentiable augmentation of what D sees, or None.

    Raises:
        ValueError: A weight asks for something that a network does not have.
    """

    def __init__(
        self,
        generator: ImageGenerator,
        discriminator: nn.Module,
        *,
        objective: Objective = "bce",
        g_every: int = 1,
        gp_weight: float = 10.0,
        r1_weight: float = 0.0,
        r1_every: int = 1,
        path_length: PathLength | None = None,
        path_length_weight: float = 0.0,
        path_length_every: int = 8,
        reconstruction_weight: float = 0.0,
        augment: DiffAugment | None = None,
    ) -> None:
        self.g, self.d, self.augment = generator, discriminator, augment
        self.objective = objective
        self.gp_weight = gp_weight
        self.reconstruction_weight = reconstruction_weight
        self.weights = {"r1": r1_weight * r1_every, "path": path_length_weight * path_length_every}
        self.phases = [
            Phase("d", discriminator, self.discriminator_loss),
            Phase("g", generator, self.generator_loss, every=g_every),
        ]
        if r1_weight:
            self.phases.append(Phase("r1", discriminator, self.r1_loss, every=r1_every, optimizer="d"))
        if path_length_weight:
            if path_length is None or not isinstance(generator, Styled):
                raise ValueError(f"{type(generator).__name__} has no styles: set path_length_weight to 0")
            self.styled, self.path_length = generator, path_length
            self.phases.append(Phase("path", generator, self.path_loss, every=path_length_every, optimizer="g"))
        if reconstruction_weight:
            if not isinstance(discriminator, Reconstructing):
                raise ValueError(f"{type(discriminator).__name__} does not reconstruct: set reconstruction_weight to 0")
            self.reconstructing = discriminator

    def prepare(self, x: Tensor, rng: torch.Generator, y: Tensor | None = None) -> dict[str, Any]:
        """The step's inputs from real images ``x`` (B, C, *size), which have no classes.

        Raises:
            ValueError: The images are not of the generator's size, or they have classes.
        """
        expected = [self.g.image_channels, *self.g.size]
        if list(x.shape[1:]) != expected:
            raise ValueError(f"batch of images {list(x.shape[1:])}, expected the generator's {expected}")
        if y is not None:
            raise ValueError("batch of images with classes, which this GAN has none of: let prepare_batch leave them")
        return {"x": x}

    def draw(self, count: int, rng: torch.Generator) -> dict[str, Any]:
        """Fresh noise of one update for ``count`` samples."""
        noise: dict[str, Any] = {"generator": self.g.draw(count, rng), "epsilon": torch.rand(count, generator=rng)}
        if self.weights["path"]:
            noise["path"] = torch.randn(count, self.g.image_channels, *self.g.size, generator=rng)
        if self.augment is not None:
            noise["augment"] = self.augment.draw(count, rng)
        if self.reconstruction_weight:
            noise["discriminator"] = self.reconstructing.draw(count, rng)
        return noise

    def discriminator_loss(self, b: Batch) -> dict[str, Tensor]:
        """D on real and generated images, with the gradient penalty or the reconstruction where they are used.

        With an augmentation, `d_sign` is the mean sign of D's logits on real ones: r_t of Karras et al., 2020
        (arXiv 2006.06676, sec. 3.1).
        """
        with torch.no_grad():
            fake = self.g(**b["generator"])
        real, fake = self._seen(b["x"], b), self._seen(fake, b)
        parts: dict[str, Tensor] = {}
        if self.reconstruction_weight:
            logits, parts["reconstruction"] = self.reconstructing.logits_and_reconstruction_loss(
                real, **b["discriminator"]
            )
        else:
            logits = self.d(real)
        d_real, d_fake = discriminator_losses(self.objective, logits, self.d(fake))
        if self.augment and self.objective in HAS_SIGN:
            parts["d_sign"] = logits.detach().sign().mean()
        loss = d_real + d_fake + self.reconstruction_weight * parts.get("reconstruction", 0)
        if self.objective == "wgan_gp" and self.gp_weight:
            parts["gp"] = gradient_penalty(self.d, [real], [fake], b["epsilon"])
            loss = loss + self.gp_weight * parts["gp"]
        return {"d": loss, "d_real": d_real, "d_fake": d_fake, **parts}

    def generator_loss(self, b: Batch) -> dict[str, Tensor]:
        """G against D."""
        return {"g": generator_loss(self.objective, self.d(self._seen(self.g(**b["generator"]), b)))}

    def r1_loss(self, b: Batch) -> dict[str, Tensor]:
        """γ·R1 on real images, its gradient taken before the augmentation."""
        logits: list[Tensor] = []

        def critic(x: Tensor) -> Tensor:
            logits.append(self.d(self._seen(x, b)))
            return logits[-1]

        penalty = r1_penalty(critic, [b["x"]])
        return {"r1": self.weights["r1"] * penalty + _reaching_all(logits[-1])}

    def path_loss(self, b: Batch) -> dict[str, Tensor]:
        """StyleGAN2's path length regularisation (Karras et al., 2020, eq. 4)."""
        noise = b["generator"]
        styles = self.styled.mixed_styles(noise["z"], noise["z_mix"], noise["mix_layer"])
        images = self.styled.synthesise(styles, noise["noise_seed"])
        penalty = self.path_length(styles, images, b["path"])
        return {"path": self.weights["path"] * penalty + _reaching_all(images)}

    def _seen(self, x: Tensor, b: Batch) -> Tensor:
        """What D sees of ``x``."""
        return x if self.augment is None else self.augment(x, b["augment"])


def _reaching_all(output: Tensor) -> Tensor:
    """0: a penalty on gradients does not depend on every bias, and DDP waits for the gradient of each parameter."""
    return 0 * output.float().sum()
