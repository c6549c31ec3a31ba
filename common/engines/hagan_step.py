"""The training step of HA-GAN (Sun et al., 2022, sec. III; thesis 3.6.5)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..losses.adversarial import HAS_SIGN, Objective, discriminator_losses, generator_loss
from ..losses.gradient_penalty import gradient_penalty, r1_penalty
from ..networks.hagan import LATENT_STRIDE, Discriminator, EncoderG, EncoderH, Generator
from ..transforms.diff_augment import DiffAugment
from .phase import Phase

Batch = Mapping[str, Any]


class HAGANStep:
    """D, then G, then E^H, then E^G, all at one slab position r a step.

    Args:
        generator, discriminator, encoder_h, encoder_g: See `common.networks.hagan`.
        objective: bce as in the paper, hinge or wgan_gp.
        g_iterations: Updates of the generator a step.
        gp_weight: λ of WGAN-GP, used with objective wgan_gp.
        r1_weight: γ of R1, with any objective; 0 is off.
        augment: Differentiable augmentation of what D sees, slab and low resolution with the same parameters, or None.
    """

    def __init__(
        self,
        generator: Generator,
        discriminator: Discriminator,
        encoder_h: EncoderH,
        encoder_g: EncoderG,
        *,
        objective: Objective = "bce",
        g_iterations: int = 1,
        gp_weight: float = 10.0,
        r1_weight: float = 0.0,
        augment: DiffAugment | None = None,
    ) -> None:
        self.g, self.d, self.e_h, self.e_g = generator, discriminator, encoder_h, encoder_g
        self.objective = objective
        self.gp_weight = gp_weight
        self.r1_weight = r1_weight
        self.augment = augment
        self.slab_depth = generator.slab_latents * LATENT_STRIDE
        self.phases = [
            Phase("d", discriminator, self.discriminator_loss),
            Phase("g", generator, self.generator_loss, repeats=g_iterations),
            Phase("e", encoder_h, self.encoder_h_loss),
            Phase("e_sub", encoder_g, self.encoder_g_loss),
        ]

    def prepare(self, x: Tensor, rng: torch.Generator) -> dict[str, Any]:
        """The step's inputs from real volumes ``x`` (B, C, S): slab, low resolution, and r.

        r is a multiple of 4, the stride of A, so that the real and the generated slab start at the same slice (the
        official code lets them differ by up to three).

        Raises:
            ValueError: The volumes are not of the generator's size.
        """
        if list(x.shape[2:]) != self.g.size:
            raise ValueError(f"batch of volumes {list(x.shape[2:])}, expected the generator's size {self.g.size}")
        starts = (self.g.size[0] - self.slab_depth) // LATENT_STRIDE + 1
        r = LATENT_STRIDE * int(torch.randint(starts, (), generator=rng))
        low = x[:, :, ::LATENT_STRIDE, ::LATENT_STRIDE, ::LATENT_STRIDE]  # what nearest interpolation by 1/4 takes
        return {"x": x, "x_slab": x[:, :, r : r + self.slab_depth], "x_low": low, "r": r}

    def draw(self, count: int, rng: torch.Generator) -> dict[str, Tensor]:
        """Fresh noise of one update for ``count`` samples."""
        noise = {"z": torch.randn(count, self.g.latent_dim, generator=rng), "epsilon": torch.rand(count, generator=rng)}
        return noise | (self.augment.draw(count, rng) if self.augment else {})

    def discriminator_loss(self, b: Batch) -> dict[str, Tensor]:
        """D^H and D^L on real and generated slabs and low-resolution volumes.

        With an augmentation, `d_sign` is the mean sign of D's logits on real ones: r_t of Karras et al., 2020
        (arXiv 2006.06676, sec. 3.1).
        """
        volumes, r = (b["x_slab"], b["x_low"]), b["r"]
        with torch.no_grad():
            fake = self._seen(self.g.slab_and_low(b["z"], r), b)
        real = self._seen(volumes, b)
        logits = self.d(*real, r)
        d_real, d_fake = discriminator_losses(self.objective, logits, self.d(*fake, r))
        losses = {"d": d_real + d_fake, "d_real": d_real, "d_fake": d_fake}
        if self.augment and self.objective in HAS_SIGN:
            losses["d_sign"] = logits.detach().sign().mean()
        if self.objective == "wgan_gp":
            losses["gp"] = gradient_penalty(lambda *x: self.d(*x, r), real, fake, b["epsilon"])
            losses["d"] = losses["d"] + self.gp_weight * losses["gp"]
        if self.r1_weight:
            losses["r1"] = r1_penalty(lambda *x: self.d(*self._seen(x, b), r), volumes)
            losses["d"] = losses["d"] + self.r1_weight * losses["r1"]
        return losses

    def generator_loss(self, b: Batch) -> dict[str, Tensor]:
        """G^A, G^H and G^L against D."""
        fake = self._seen(self.g.slab_and_low(b["z"], b["r"]), b)
        return {"g": generator_loss(self.objective, self.d(*fake, b["r"]))}

    def encoder_h_loss(self, b: Batch) -> dict[str, Tensor]:
        """L1 between the slab and G^H(E^H(slab))."""
        return {"e": F.l1_loss(self.g.g_h(self.e_h(b["x_slab"])), b["x_slab"])}

    def encoder_g_loss(self, b: Batch) -> dict[str, Tensor]:
        """Mean of the L1 of slab and low resolution, reconstructed from ẑ = E^G(all slab codes)."""
        with torch.no_grad():
            codes = torch.cat([self.e_h(slab) for slab in b["x"].split(self.slab_depth, dim=2)], dim=2)
        slab, low = self.g.slab_and_low(self.e_g(codes), b["r"])
        return {"e_sub": (F.l1_loss(slab, b["x_slab"]) + F.l1_loss(low, b["x_low"])) / 2}

    def _seen(self, volumes: tuple[Tensor, Tensor], b: Batch) -> tuple[Tensor, Tensor]:
        """What D sees of a slab and its low-resolution volume."""
        if self.augment is None:
            return volumes
        slab, low = volumes
        # every fourth slice of an interleaved pair is one of the image
        low_pairing = "image_only" if self.augment.pair.mode == "interleave" else None
        return self.augment(slab, b), self.augment(low, b, pairing=low_pairing)
