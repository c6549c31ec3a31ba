"""The seven networks of HA-GAN (Sun et al., 2022, doi 10.1109/JBHI.2022.3172976) for any power-of-two size from 32.

    z ── G^A ── A ──┬─ crop ── G^H ── x̂^H (slab)  ─┬─ D^H ─┐
                    └───────── G^L ── x̂^L (1/4)   ─┴─ D^L ─┴─ logit
    x^H (each slab) ── E^H ── Â (slab) ── concatenate ── E^G ── ẑ

Sub-volumes (slabs) are cut along the first spatial axis; A has a quarter of the volume's size. Widths are those of the
authors' code at ``channels = 32`` and scale with it; parameter counts equal theirs at 128³ and 256³. Channels @ size of
what each layer gives at 128³, ↑ where it doubles the map, ↓ where it halves it:

    G^A  512@4³ → 512@4³ → ↑ 512@8³ → ↑ 256@16³ → ↑ 128@32³ → 64@32³ = A
    G^H  64@4×32² of A → ↑ 32@8×64² → ↑ 1@16×128²
    G^L  A → 32@32³ → 16@32³ → 1@32³
    D^H  1@16×128² → ↓ 32@8×64² → ↓ 64@4×32² → ↓ 128@2×16² → ↓ 256@1×8² → ↓ 512@1×4² → 128, position → 64 → 1
    D^L  1@32³ → ↓ 64@16³ → ↓ 128@8³ → ↓ 256@4³ → 1
    E^H  1@16×128² → ↓ 32@8×64² → 32@8×64² → ↓ 64@4×32²
    E^G  64@32³ → ↓ 64@16³ → ↓ 128@8³ → ↓ 256@4³ → 1024

At 256³ G^A and E^G have a doubling and a halving more, the discriminators a halving.
"""

from itertools import pairwise
from math import gcd, prod
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm as add_spectral_norm

from .hagan_size import LATENT_STRIDE, Size, slab_depth, smallest, stages, volume_size
from .image_generator import ImageGenerator
from .stage import Stage
from .up_convolution import UpConvolution
from .voxel_norm import VoxelNorm
from .whole_convolution import WholeConvolution

Slab = Literal["official", "seamless"]


def doubling_widths(last: int, count: int, *, low: int) -> list[int]:
    """Widths of ``count`` layers that double up to ``last`` and do not fall below ``low``."""
    return [max(low, last >> (count - 1 - k)) for k in range(count)]


def group_norm(channels: int) -> nn.GroupNorm:
    """Eight groups, or as many of those as divide ``channels``."""
    return nn.GroupNorm(gcd(8, channels), channels)


class ConvBlock(Stage):
    """3³ convolution, normalisation, ReLU; the map keeps its size."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.Conv3d(in_channels, out_channels, 3, padding=1), group_norm(out_channels), nn.ReLU(inplace=True)
        )


class UpBlock(Stage):
    """Nearest ×2 and 3³ convolution, normalisation (``seamless``: of each voxel by itself), ReLU; the map doubles."""

    def __init__(self, in_channels: int, out_channels: int, *, seamless: bool = False) -> None:
        norm = VoxelNorm(out_channels) if seamless else group_norm(out_channels)
        super().__init__(UpConvolution(in_channels, out_channels), norm, nn.ReLU(inplace=True))


class DownBlock(Stage):
    """4³ convolution of stride 2, normalisation, ReLU; the map halves."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(nn.Conv3d(in_channels, out_channels, 4, 2, 1), group_norm(out_channels), nn.ReLU(inplace=True))


class GeneratorA(nn.Module):
    """G^A: latent (B, latent_dim) to the shared latent map A (B, 2·channels, S/4)."""

    def __init__(self, size: Size, *, latent_dim: int, channels: int) -> None:
        super().__init__()
        size = volume_size(size)
        ups = stages(size)
        self.base = smallest(size)
        wide = [16] * max(2, ups - 2)  # two at first, and above 256³ a further one for each doubling
        widths = [channels * width for width in (*wide, 8, 4, 2)]
        self.fc = nn.Linear(latent_dim, widths[0] * prod(self.base))
        blocks: list[Stage] = [ConvBlock(widths[0], widths[0])]
        for number, (i, o) in enumerate(pairwise(widths)):
            blocks.append(UpBlock(i, o) if number < ups else ConvBlock(i, o))
        self.blocks = nn.Sequential(*blocks)

    def forward(self, z: Tensor) -> Tensor:
        """Map ``z`` (B, latent_dim), or (B, latent_dim, 1, 1, 1), to A (B, 2·channels, S/4)."""
        h = self.fc(z.flatten(1))
        return self.blocks(h.view(h.shape[0], -1, self.base[0], self.base[1], self.base[2]))  # (B, 16·channels, base)


class GeneratorH(nn.Sequential):
    """G^H: A or a crop of it (B, 2·channels, d, h, w) to the volume (B, image_channels, 4d, 4h, 4w) in [-1, 1]."""

    def __init__(self, *, channels: int, image_channels: int = 1, slab: Slab) -> None:
        super().__init__(
            UpBlock(2 * channels, channels, seamless=slab == "seamless"),
            UpConvolution(channels, image_channels),
            nn.Tanh(),
        )


class GeneratorL(nn.Sequential):
    """G^L: A (B, 2·channels, S/4) to the low-resolution volume (B, image_channels, S/4) in [-1, 1]."""

    def __init__(self, *, channels: int, image_channels: int = 1) -> None:
        super().__init__(
            ConvBlock(2 * channels, channels),
            ConvBlock(channels, channels // 2),
            nn.Conv3d(channels // 2, image_channels, 3, padding=1),
            nn.Tanh(),
        )


class Generator(ImageGenerator):
    """G^A, G^H and G^L.

    Args:
        size: Volume size S, one number or three; see `volume_size`.
        latent_dim, image_channels, classes: As for `ImageGenerator`.
        channels: Base width c (32 in the paper's code).
        slab: ``official`` crops A and lets G^H pad and normalise the crop by itself, as the authors do. ``seamless``
            adds a halo of one voxel of A around the crop and normalises each voxel by itself in G^H, so that the slab
            equals the same slab of the whole volume.
        slab_fraction: The slab is 1 / slab_fraction of the first axis (8 in the paper).
    """

    seamless: Final[bool]

    def __init__(
        self,
        size: Size,
        *,
        latent_dim: int = 1024,
        channels: int = 32,
        image_channels: int = 1,
        slab: Slab = "official",
        slab_fraction: int = 8,
        classes: int = 0,
    ) -> None:
        super().__init__(volume_size(size), image_channels=image_channels, latent_dim=latent_dim, classes=classes)
        self.seamless = slab == "seamless"
        self.slab_latents = slab_depth(size, slab_fraction) // LATENT_STRIDE
        self.g_a = GeneratorA(size, latent_dim=latent_dim + classes, channels=channels)
        self.g_h = GeneratorH(channels=channels, image_channels=image_channels, slab=slab)
        self.g_l = GeneratorL(channels=channels, image_channels=image_channels)

    def forward(self, z: Tensor) -> Tensor:
        """Whole volumes G^H(G^A(z)), (B, image_channels, S), of ``z`` (B, latent_dim + classes)."""
        return self.g_h(self.g_a(z))

    def slab_and_low(self, z: Tensor, r: int) -> tuple[Tensor, Tensor]:
        """The slab that starts at voxel ``r`` (a multiple of 4) and the low-resolution volume, as training sees them.

        Returns:
            x̂^H (B, image_channels, S_0 / slab_fraction, S_1, S_2) and x̂^L (B, image_channels, S/4).
        """
        a = self.g_a(z)
        return self.slab(a, r), self.g_l(a)

    def slab(self, a: Tensor, r: int) -> Tensor:
        """G^H of the crop of A (B, 2·channels, S/4) that becomes the slab starting at voxel ``r``."""
        start = r // LATENT_STRIDE
        stop = start + self.slab_latents
        if not self.seamless:
            return self.g_h(a[:, :, start:stop])
        # A halo only where A goes on: at the ends the convolutions' own zero padding is what the whole volume sees.
        low = max(start - 1, 0)
        x = self.g_h(a[:, :, low : stop + 1])
        return x[:, :, LATENT_STRIDE * (start - low) : LATENT_STRIDE * (stop - low)]


def spectral(layer: nn.Module, wanted: bool) -> nn.Module:
    """``layer``, divided by its largest singular value where that is `wanted`."""
    return add_spectral_norm(layer) if wanted else layer


class DiscriminatorH(nn.Module):
    """D^H: slab (B, image_channels, d, S_1, S_2) and its position to a logit (B, 1)."""

    def __init__(self, size: Size, *, channels: int, image_channels: int, depth: int, spectral_norm: bool) -> None:
        super().__init__()
        size = volume_size(size)
        layers: list[nn.Module] = []
        for i, o in pairwise([image_channels, *doubling_widths(16 * channels, stages(size) + 2, low=channels // 2)]):
            kernel, stride, padding = 1, 1, 0  # along the depth, where the slab is thinner than wide
            if depth > 4:
                kernel, stride, padding = 4, 2, 1
            elif depth > 1:
                kernel, stride, padding = 2, 2, 0
            conv = nn.Conv3d(i, o, (kernel, 4, 4), (stride, 2, 2), (padding, 1, 1))
            layers += [spectral(conv, spectral_norm), nn.LeakyReLU(0.2)]
            depth //= stride
        last = WholeConvolution(16 * channels, 4 * channels, (depth, *smallest(size)[1:]))
        self.blocks = nn.Sequential(*layers, spectral(last, spectral_norm), nn.LeakyReLU(0.2), nn.Flatten())
        self.fc1 = spectral(nn.Linear(4 * channels + 1, 2 * channels), spectral_norm)
        self.fc2 = spectral(nn.Linear(2 * channels, 1), spectral_norm)

    def forward(self, x: Tensor, position: float) -> Tensor:
        """Judge slabs ``x`` at ``position`` (0 first, 1 last possible start)."""
        return self.fc2(self.features(x, position))

    def features(self, x: Tensor, position: float) -> Tensor:
        """What the logit is linear in, (B, 2·channels)."""
        h = self.blocks(x)  # (B, 4·channels)
        h = torch.cat([h, position * h.new_ones(h.shape[0], 1)], dim=1)
        return F.leaky_relu(self.fc1(h), 0.2)


class DiscriminatorL(nn.Sequential):
    """D^L: low-resolution volume (B, image_channels, S/4) to a logit (B, 1)."""

    def __init__(self, size: Size, *, channels: int, image_channels: int, spectral_norm: bool) -> None:
        size = volume_size(size)
        layers: list[nn.Module] = []
        for i, o in pairwise([image_channels, *doubling_widths(8 * channels, stages(size), low=channels)]):
            layers += [spectral(nn.Conv3d(i, o, 4, 2, 1), spectral_norm), nn.LeakyReLU(0.2)]
        last = WholeConvolution(8 * channels, 1, smallest(size))
        super().__init__(*layers, spectral(last, spectral_norm), nn.Flatten())


class Discriminator(nn.Module):
    """D^H and D^L; the logit is the mean of both.

    Args:
        size, channels, image_channels, slab_fraction: As for `Generator`.
        spectral_norm: Off for objectives with a gradient penalty of their own.
    """

    def __init__(
        self,
        size: Size,
        *,
        channels: int = 32,
        image_channels: int = 1,
        slab_fraction: int = 8,
        spectral_norm: bool = True,
    ) -> None:
        super().__init__()
        depth = slab_depth(size, slab_fraction)
        self.last_start = volume_size(size)[0] - depth
        self.d_h = DiscriminatorH(
            size, channels=channels, image_channels=image_channels, depth=depth, spectral_norm=spectral_norm
        )
        self.d_l = DiscriminatorL(size, channels=channels, image_channels=image_channels, spectral_norm=spectral_norm)

    def forward(self, x_slab: Tensor, x_low: Tensor, r: int) -> Tensor:
        """Logit (B, 1) of slabs that start at voxel ``r`` and their low-resolution volumes."""
        return (self.d_h(x_slab, r / self.last_start) + self.d_l(x_low)) / 2


class EncoderH(nn.Sequential):
    """E^H: slab (B, image_channels, d, h, w) to its part of A (B, 2·channels, d/4, h/4, w/4)."""

    def __init__(self, *, channels: int = 32, image_channels: int = 1) -> None:
        super().__init__(
            DownBlock(image_channels, channels), ConvBlock(channels, channels), DownBlock(channels, 2 * channels)
        )


class EncoderG(nn.Sequential):
    """E^G: concatenated slab codes (B, 2·channels, S/4) to the latent ẑ (B, latent_dim)."""

    def __init__(self, size: Size, *, latent_dim: int = 1024, channels: int = 32) -> None:
        size = volume_size(size)
        widths = [2 * channels, *doubling_widths(8 * channels, stages(size), low=channels)]
        blocks = [DownBlock(i, o) for i, o in pairwise(widths)]
        super().__init__(*blocks, WholeConvolution(widths[-1], latent_dim, smallest(size)), nn.Flatten())
