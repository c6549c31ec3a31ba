"""HA-GAN's discriminator for volumes of several classes."""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from .hagan import Discriminator, spectral
from .hagan_size import Size, smallest, volume_size

Conditioning = Literal["auxiliary", "projection"]


class ConditionalDiscriminator(Discriminator):
    """D^H and D^L that know classes; logit and class logits are the mean of both.

    ``auxiliary`` (the authors' code, after Odena et al., 2017, arXiv 1610.09585): a classifier beside the logit, linear
    in the same features; the logit does not see the class. ``projection`` (Miyato & Koyama, 2018, arXiv 1802.05637,
    eq. 3): logit + ⟨embedding of the class, features⟩, those of D^L being summed over the N voxels of its last map, by
    √N: spectral norm then bounds the gradient of both terms alike (the paper's logit is taken of the sum, too).

    Args:
        size, channels, spectral_norm, options: As for `Discriminator`; spectral norm is on the new layers too.
        classes: Their number, 2 or more.
        conditioning: How the class comes in.

    Raises:
        ValueError: Fewer than two classes, or an unknown conditioning.
    """

    def __init__(
        self,
        size: Size,
        *,
        classes: int,
        conditioning: Conditioning = "auxiliary",
        channels: int = 32,
        spectral_norm: bool = True,
        **options: int,
    ) -> None:
        if classes < 2 or conditioning not in get_args(Conditioning):
            expected = f"two or more and one of {', '.join(get_args(Conditioning))}"
            raise ValueError(f"{classes} classes with conditioning '{conditioning}', expected {expected}")
        super().__init__(size, channels=channels, spectral_norm=spectral_norm, **options)
        self.classes, self.conditioning = classes, conditioning
        if conditioning == "auxiliary":
            low = nn.Conv3d(8 * channels, 1 + classes, smallest(volume_size(size)))  # logit, then classes
            self.d_h.fc2_class = spectral(nn.Linear(2 * channels, classes), spectral_norm)
            self.d_l[-2] = spectral(low, spectral_norm)
        else:
            self.h_embedding = spectral(_embedding(classes, 2 * channels), spectral_norm)
            self.l_embedding = spectral(_embedding(classes, 8 * channels), spectral_norm)

    def forward(self, x_slab: Tensor, x_low: Tensor, r: int, y: Tensor | None = None) -> Tensor:
        """Logit (B, 1), as `judge` gives it."""
        return self.judge(x_slab, x_low, r, y)[0]

    def judge(self, x_slab: Tensor, x_low: Tensor, r: int, y: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Logit (B, 1) and, ``auxiliary``, class logits (B, classes), of slabs that start at voxel ``r``.

        Args:
            x_slab, x_low, r: As for `Discriminator`.
            y: Class of each sample (B,), which ``projection`` needs.
        """
        h = self.d_h.features(x_slab, r / self.last_start)
        if self.conditioning == "auxiliary":
            low = self.d_l(x_low)
            high_classes = self.d_h.get_submodule("fc2_class")(h)
            return (self.d_h.fc2(h) + low[:, :1]) / 2, (high_classes + low[:, 1:]) / 2
        *layers, last, flatten = self.d_l
        h_low = nn.Sequential(*layers)(x_low)
        high = self.d_h.fc2(h) + _inner(self.h_embedding(y), h)
        pooled = h_low.flatten(2).sum(2) / h_low[0, 0].numel() ** 0.5
        low = flatten(last(h_low)) + _inner(self.l_embedding(y), pooled)
        return (high + low) / 2, None


def _embedding(classes: int, width: int) -> nn.Embedding:
    embedding = nn.Embedding(classes, width)
    nn.init.xavier_uniform_(embedding.weight)  # N(0, 1) would outweigh the logit where there is no spectral norm
    return embedding


def _inner(a: Tensor, b: Tensor) -> Tensor:
    return torch.sum(a * b, dim=1, keepdim=True)
