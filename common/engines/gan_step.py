"""The training step of a GAN of two networks: Vanilla GAN, WGAN, FastGAN, StyleGAN2 (thesis 3.6.1 to 3.6.4)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..losses.adversarial import HAS_SIGN, Objective, discriminator_losses, generator_loss
from ..losses.gradient_penalty import gradient_penalty, r1_penalty
from ..losses.path_length import PathLength
from ..transforms.diff_augment import DiffAugment
from .phase import Phase

Batch = Mapping[str, Any]


class GANStep:
    """D, then G, then the regularisers that are switched on; what tells one GAN from another is a network or a number.

    The generator takes the tensors of its own ``draw``; of all images in one update, real or generated, `augment` makes
    the same change. A regulariser of `…_every` above 1 is weighted by it, so that its mean strength stays
    (Karras et al., 2020, app. B).

    Args:
        generator: ``draw(count, rng)`` and ``forward(**noise)``.
        discriminator: ``forward(x)``; ``draw`` and ``logits_and_reconstruction_loss`` too where it reconstructs.
        objective: bce, hinge or wgan_gp.
        g_every: Steps of D, each with real images of its own, to one of G (Arjovsky et al., 2017, n_critic).
        gp_weight: λ of WGAN-GP, used with objective wgan_gp; 0 leaves the penalty out, for clipped weights.
        r1_weight: γ of R1, a phase of its own; 0 is off.
        r1_every: Steps from one R1 to the next.
        path_length: Running mean of the path lengths.
        path_length_weight: Of StyleGAN2's path length regularisation, a phase of its own; 0 is off.
        path_length_every: Steps from one to the next.
        reconstruction_weight: Of FastGAN's reconstruction by the discriminator; 0 is off.
        augment: Differentiable augmentation of what D sees, or None.

    Raises:
        ValueError: A weight asks for something that a network does not have.
    """

    def __init__(
        self,
        generator: nn.Module,
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
        self.path_length = path_length
        self.weights = {"r1": r1_weight * r1_every, "path": path_length_weight * path_length_every}
        self.phases = [
            Phase("d", discriminator, self.discriminator_loss),
            Phase("g", generator, self.generator_loss, every=g_every),
        ]
        if r1_weight:
            self.phases.append(Phase("r1", discriminator, self.r1_loss, every=r1_every, optimizer="d"))
        if path_length_weight:
            self.phases.append(Phase("path", generator, self.path_loss, every=path_length_every, optimizer="g"))
        self._check(path_length_weight)

    def _check(self, path_length_weight: float) -> None:
        if self.reconstruction_weight and not hasattr(self.d, "logits_and_reconstruction_loss"):
            raise ValueError(f"{type(self.d).__name__} does not reconstruct: set reconstruction_weight to 0")
        if path_length_weight and (self.path_length is None or not hasattr(self.g, "synthesise")):
            raise ValueError(f"{type(self.g).__name__} has no styles: set path_length_weight to 0")

    def prepare(self, x: Tensor, rng: torch.Generator) -> dict[str, Any]:
        """The step's inputs from real images ``x`` (B, C, *size).

        Raises:
            ValueError: The images are not of the generator's size.
        """
        expected = [self.g.image_channels, *self.g.size]
        if list(x.shape[1:]) != expected:
            raise ValueError(f"batch of images {list(x.shape[1:])}, expected the generator's {expected}")
        return {"x": x}

    def draw(self, count: int, rng: torch.Generator) -> dict[str, Tensor]:
        """Fresh noise of one update for ``count`` samples; the generator's own begins with ``g_``."""
        noise = {f"g_{name}": value for name, value in self.g.draw(count, rng).items()}
        noise["epsilon"] = torch.rand(count, generator=rng)
        if "path" in {phase.name for phase in self.phases}:
            noise["y"] = torch.randn(count, self.g.image_channels, *self.g.size, generator=rng)
        for drawing in (self.augment, self.d if self.reconstruction_weight else None):
            noise |= {} if drawing is None else drawing.draw(count, rng)
        return noise

    def discriminator_loss(self, b: Batch) -> dict[str, Tensor]:
        """D on real and generated images, with the gradient penalty or the reconstruction where they are used.

        With an augmentation, `d_sign` is the mean sign of D's logits on real ones: r_t of Karras et al., 2020
        (arXiv 2006.06676, sec. 3.1).
        """
        with torch.no_grad():
            fake = self._generate(b)
        real, fake = self._seen(b["x"], b), self._seen(fake, b)
        parts = {}
        if self.reconstruction_weight:
            logits, parts["reconstruction"] = self.d.logits_and_reconstruction_loss(real, b["crop"])
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
        return {"g": generator_loss(self.objective, self.d(self._seen(self._generate(b), b)))}

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
        noise = self._noise(b)
        styles = self.g.mixed_styles(noise["z"], noise["z_mix"], noise["mix_layer"])
        images = self.g.synthesise(styles, noise["noise_seed"])
        penalty = self.path_length(styles, images, b["y"])
        return {"path": self.weights["path"] * penalty + _reaching_all(images)}

    def _generate(self, b: Batch) -> Tensor:
        return self.g(**self._noise(b))

    def _noise(self, b: Batch) -> dict[str, Tensor]:
        return {name.removeprefix("g_"): value for name, value in b.items() if name.startswith("g_")}

    def _seen(self, x: Tensor, b: Batch) -> Tensor:
        """What D sees of ``x``."""
        return x if self.augment is None else self.augment(x, b)


def _reaching_all(output: Tensor) -> Tensor:
    """0: a penalty on gradients does not depend on every bias, and DDP waits for the gradient of each parameter."""
    return 0 * output.float().sum()
