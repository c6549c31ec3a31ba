"""Adversarial objectives on logits."""

from typing import Literal

from torch import Tensor
from torch.nn import functional as F

Objective = Literal["bce", "hinge", "wgan", "wgan_gp"]
HAS_SIGN: tuple[Objective, ...] = ("bce", "hinge")  # logits above 0 say real; a critic's values have no such zero


def discriminator_losses(objective: Objective, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Discriminator's loss on real and on fake logits (B, 1); their sum is minimised.

    bce: Goodfellow et al., 2014 (HA-GAN, thesis 3.6.5); hinge: Lim & Ye, 2017; wgan: Arjovsky et al.,
    2017, whose caller clips the weights; wgan_gp: Gulrajani et al., 2017, whose caller adds `gradient_penalty`.

    Raises:
        ValueError: The objective is unknown.
    """
    real, fake = real.float(), fake.float()  # logits of an autocast network are rounded; their losses are not
    if objective == "bce":
        return F.softplus(-real).mean(), F.softplus(fake).mean()
    if objective == "hinge":
        return F.relu(1 - real).mean(), F.relu(1 + fake).mean()
    if objective in ("wgan", "wgan_gp"):
        return -real.mean(), fake.mean()
    raise ValueError(f"objective is '{objective}', expected one of bce, hinge, wgan, wgan_gp")


def generator_loss(objective: Objective, fake: Tensor) -> Tensor:
    """Generator's loss on fake logits (B, 1): non-saturating for bce, the negated critic otherwise."""
    fake = fake.float()
    return F.softplus(-fake).mean() if objective == "bce" else -fake.mean()
