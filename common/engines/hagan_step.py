"""The training step of HA-GAN (Sun et al., 2022, sec. III; thesis 3.6.5)."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.conditions import with_class
from ..losses.adversarial import HAS_SIGN, Objective, discriminator_losses, generator_loss
from ..losses.gradient_penalty import gradient_penalty, r1_penalty
from ..networks.hagan import Discriminator, EncoderG, EncoderH, Generator
from ..networks.hagan_conditional import ConditionalDiscriminator
from ..networks.hagan_size import LATENT_STRIDE
from ..networks.stage import recompute_stages
from ..transforms.diff_augment import DiffAugment
from ..transforms.pairing import PairMode
from .phase import Batch, Phase
from .step import Step


class HAGANStep(Step):
    """D, then G, then E^H, then E^G, all at one slab position r a step.

    Args:
        generator, discriminator, encoder_h, encoder_g: See `common.networks.hagan`; of a generator with classes, D is a
            `ConditionalDiscriminator`.
        objective: bce as in the paper, hinge or wgan_gp.
        g_iterations: Updates of the generator a step.
        gp_weight: λ of WGAN-GP, used with objective wgan_gp.
        r1_weight: γ of R1, with any objective; 0 is off.
        augment: Differentiable augmentation of what D sees, slab and low resolution with the same parameters, or None.
        class_shares: Share of each class among the training cases, which the classes of generated samples are drawn
            with: what D tells apart is then not how often a class is.
        class_weight_d, class_weight_g: Of the auxiliary classifier's cross-entropy on real pairs in D's loss, and on
            generated ones in G's; the authors' code has 1 and 0.1.
        checkpointing: Run the stages of G, E^H and E^G again in the backward pass rather than keep their maps. D's maps
            are kept: spectral norm goes on by an iteration each time it runs.
        compile_by: Backend of ``torch.compile`` (``inductor``, …) for the networks, or ``off``. A D with a gradient
            penalty stays as it is, for compiled networks have no second derivatives.

    Raises:
        ValueError: Not one share for each class of the generator, or one of G and D alone knows classes.
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
        class_shares: Sequence[float] = (),
        class_weight_d: float = 1.0,
        class_weight_g: float = 0.1,
        checkpointing: bool = False,
        compile_by: str = "off",
    ) -> None:
        if len(class_shares) != generator.classes:
            raise ValueError(f"{len(class_shares)} class shares for a generator of {generator.classes} classes")
        if isinstance(discriminator, ConditionalDiscriminator) != bool(generator.classes):
            raise ValueError(f"{type(discriminator).__name__} beside a generator of {generator.classes} classes")
        self.g, self.d, self.e_h, self.e_g = generator, discriminator, encoder_h, encoder_g
        self.objective = objective
        self.gp_weight = gp_weight
        self.r1_weight = r1_weight
        self.augment = augment
        self.class_shares = torch.tensor(class_shares, dtype=torch.float64)
        self.class_weight_d, self.class_weight_g = class_weight_d, class_weight_g
        self.slab_depth = generator.slab_latents * LATENT_STRIDE
        self.phases = [
            Phase("d", discriminator, self.discriminator_loss),
            Phase("g", generator, self.generator_loss, repeats=g_iterations),
            Phase("e", encoder_h, self.encoder_h_loss),
            Phase("e_sub", encoder_g, self.encoder_g_loss),
        ]

        if checkpointing:
            for network in (generator, encoder_h, encoder_g):
                recompute_stages(network)
        if compile_by != "off":
            self._compile(compile_by)

    def _compile(self, backend: str) -> None:
        """In place: names of weights stay as they are."""
        networks = [self.g.g_a, self.g.g_h, self.g.g_l, self.e_h, self.e_g]
        if self.objective != "wgan_gp" and not self.r1_weight:
            networks += [self.d.d_h, self.d.d_l]
        for network in networks:
            network.compile(backend=backend, isolate_recompiles=True)  # or stages of all networks share eight forms

    def prepare(self, x: Tensor, rng: torch.Generator, y: Tensor | None = None) -> dict[str, Any]:
        """The step's inputs from real volumes ``x`` (B, C, S), of classes ``y`` (B,): slab, low resolution, and r.

        r is a multiple of 4, the stride of A, so that the real and the generated slab start at the same slice (the
        official code lets them differ by up to three).

        Raises:
            ValueError: The volumes are not of the generator's size, or it has classes and they have none.
        """
        if tuple(x.shape[2:]) != self.g.size:
            raise ValueError(f"batch of volumes {list(x.shape[2:])}, expected the generator's size {[*self.g.size]}")
        if (y is None) == bool(self.g.classes):
            raise ValueError(f"batch {'without' if y is None else 'with'} classes, the generator has {self.g.classes}")
        starts = (self.g.size[0] - self.slab_depth) // LATENT_STRIDE + 1
        r = LATENT_STRIDE * int(torch.randint(starts, (), generator=rng))
        low = x[:, :, ::LATENT_STRIDE, ::LATENT_STRIDE, ::LATENT_STRIDE]  # what nearest interpolation by 1/4 takes
        inputs = {"x": x, "x_slab": x[:, :, r : r + self.slab_depth], "x_low": low, "r": r}
        return inputs if y is None else inputs | {"y": y}

    def draw(self, count: int, rng: torch.Generator) -> dict[str, Any]:
        """Fresh noise of one update for ``count`` samples."""
        noise: dict[str, Any] = {**self.g.draw(count, rng), "epsilon": torch.rand(count, generator=rng)}
        if self.g.classes:
            noise["y_fake"] = torch.multinomial(self.class_shares, count, replacement=True, generator=rng)
        if self.augment is not None:
            noise["augment"] = self.augment.draw(count, rng)
        return noise

    def discriminator_loss(self, b: Batch) -> dict[str, Tensor]:
        """D^H and D^L on real and generated slabs and low-resolution volumes.

        `d_class` is the auxiliary classifier's cross-entropy on real ones; a gradient penalty judges what lies between
        real and generated ones as of the real one's class. With an augmentation, `d_sign` is the mean sign of D's
        logits on real ones: r_t of Karras et al., 2020 (arXiv 2006.06676, sec. 3.1).
        """
        volumes, r = (b["x_slab"], b["x_low"]), b["r"]
        with torch.no_grad():
            fake = self._seen(self._generate(b), b)
        real = self._seen(volumes, b)
        logits, d_class = self._judge(real, r, b.get("y"))
        d_real, d_fake = discriminator_losses(self.objective, logits, self._judge(fake, r, b.get("y_fake"))[0])
        losses = {"d": d_real + d_fake, "d_real": d_real, "d_fake": d_fake}
        if d_class is not None:
            losses |= {"d": losses["d"] + self.class_weight_d * d_class, "d_class": d_class}
        if self.augment and self.objective in HAS_SIGN:
            losses["d_sign"] = logits.detach().sign().mean()
        if self.objective == "wgan_gp":
            losses["gp"] = gradient_penalty(lambda *x: self._judge(x, r, b.get("y"))[0], real, fake, b["epsilon"])
            losses["d"] = losses["d"] + self.gp_weight * losses["gp"]
        if self.r1_weight:
            losses["r1"] = r1_penalty(lambda *x: self._judge(self._seen(x, b), r, b.get("y"))[0], volumes)
            losses["d"] = losses["d"] + self.r1_weight * losses["r1"]
        return losses

    def generator_loss(self, b: Batch) -> dict[str, Tensor]:
        """G^A, G^H and G^L against D; `g_class` is the auxiliary classifier's cross-entropy."""
        logits, g_class = self._judge(self._seen(self._generate(b), b), b["r"], b.get("y_fake"))
        g = generator_loss(self.objective, logits)
        return {"g": g} if g_class is None else {"g": g + self.class_weight_g * g_class, "g_class": g_class}

    def encoder_h_loss(self, b: Batch) -> dict[str, Tensor]:
        """L1 between the slab and G^H(E^H(slab))."""
        return {"e": F.l1_loss(self.g.g_h(self.e_h(b["x_slab"])), b["x_slab"])}

    def encoder_g_loss(self, b: Batch) -> dict[str, Tensor]:
        """Mean of the L1 of slab and low resolution, reconstructed from ẑ = E^G(all slab codes) and the real class."""
        with torch.no_grad():
            codes = torch.cat([self.e_h(slab) for slab in b["x"].split(self.slab_depth, dim=2)], dim=2)
        slab, low = self.g.slab_and_low(with_class(self.e_g(codes), b.get("y"), self.g.classes), b["r"])
        return {"e_sub": (F.l1_loss(slab, b["x_slab"]) + F.l1_loss(low, b["x_low"])) / 2}

    def _generate(self, b: Batch) -> tuple[Tensor, Tensor]:
        """Slab and low-resolution volume of the drawn latents and classes."""
        return self.g.slab_and_low(with_class(b["z"], b.get("y_fake"), self.g.classes), b["r"])

    def _judge(self, x: tuple[Tensor, ...], r: int, y: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """D's logits of slab and low resolution, and the cross-entropy of its classifier if it has one."""
        if y is None or not isinstance(self.d, ConditionalDiscriminator):
            return self.d(*x, r), None
        slab, low = x
        logits, classes = self.d.judge(slab, low, r, y)
        return logits, None if classes is None else F.cross_entropy(classes.float(), y)

    def _seen(self, volumes: tuple[Tensor, Tensor], b: Batch) -> tuple[Tensor, Tensor]:
        """What D sees of a slab and its low-resolution volume."""
        if self.augment is None:
            return volumes
        slab, low = volumes
        # every fourth slice of an interleaved pair is one of the image
        low_pairing: PairMode | None = "image_only" if self.augment.pair.mode == "interleave" else None
        parameters = b["augment"]
        return self.augment(slab, parameters), self.augment(low, parameters, pairing=low_pairing)
