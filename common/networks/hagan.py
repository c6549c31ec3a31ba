"""The seven networks of HA-GAN (Sun et al., 2022, doi 10.1109/JBHI.2022.3172976) for any power-of-two size from 32.

    z ── G^A ── A ──┬─ crop ── G^H ── x̂^H (slab)  ─┬─ D^H ─┐
                    └───────── G^L ── x̂^L (1/4)   ─┴─ D^L ─┴─ logit
    x^H (each slab) ── E^H ── Â (slab) ── concatenate ── E^G ── ẑ

Sub-volumes (slabs) are cut along the first spatial axis; A has a quarter of the volume's size. Widths are those of the
authors' code at ``channels = 32`` and scale with it; parameter counts equal theirs at 128³ and 256³.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import gcd, log2, prod
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm as add_spectral_norm

from .stage import Stage
from .up_convolution import UpConvolution, UpForm
from .voxel_norm import VoxelNorm
from .whole_convolution import WholeConvolution

Size = int | Sequence[int]
Slab = Literal["official", "seamless"]
LATENT_STRIDE = 4  # voxels per voxel of A and of the low-resolution volume, along each axis


def volume_size(size: Size) -> tuple[int, int, int]:
    """The three axes of ``size`` (one number: a cube), checked.

    Raises:
        ValueError: An axis is no power of two of at least 32 (the last two may go down to 16 and be smaller than the
            first, as for two-channel pairs).
    """
    axes = (size,) * 3 if isinstance(size, int) else tuple(int(axis) for axis in size)
    lows = (32, 16, 16)
    if len(axes) != 3 or any(a & (a - 1) or a < low or a > axes[0] for a, low in zip(axes, lows, strict=False)):
        raise ValueError(
            f"volume size is {list(axes)}, expected three powers of two, the first of at least 32 and none above it "
            "(e.g. 128 or [128, 128, 64]): change the image size or the pairing"
        )
    return axes


def stages(size: tuple[int, int, int]) -> int:
    """Number of ×2 steps between the smallest map (4 along the first axis) and A (a quarter of the volume)."""
    return int(log2(size[0] // LATENT_STRIDE // 4))


def smallest(size: tuple[int, int, int]) -> list[int]:
    """The smallest map of volumes of ``size``: 4 along the first axis, the others in proportion."""
    return [axis * 4 // size[0] for axis in size]


def _doubling(last: int, count: int, *, low: int) -> list[int]:
    """Widths of ``count`` layers that double up to ``last`` and do not fall below ``low``."""
    return [max(low, last >> (count - 1 - k)) for k in range(count)]


def _norm(channels: int, *, seamless: bool = False) -> nn.Module:
    return VoxelNorm(channels) if seamless else nn.GroupNorm(gcd(8, channels), channels)


class ConvBlock(Stage):
    """[nearest ×2 and] 3³ convolution, normalisation, ReLU."""

    def __init__(
        self, in_channels: int, out_channels: int, *, up: bool, seamless: bool = False, up_form: UpForm = "products"
    ) -> None:
        conv = UpConvolution(in_channels, out_channels, form=up_form) if up else None
        conv = conv or nn.Conv3d(in_channels, out_channels, 3, padding=1)
        super().__init__(conv, _norm(out_channels, seamless=seamless), nn.ReLU(inplace=True))


class GeneratorA(nn.Module):
    """G^A: latent (B, latent_dim) to the shared latent map A (B, 2·channels, S/4)."""

    def __init__(self, size: Size, *, latent_dim: int, channels: int, up_form: UpForm = "products") -> None:
        super().__init__()
        size = volume_size(size)
        ups = stages(size)
        self.base = smallest(size)
        widths = [channels * c for c in (*[16] * max(2, ups - 2), 8, 4, 2)]  # above 256³ a further 16 a stage
        self.fc = nn.Linear(latent_dim, widths[0] * prod(self.base))
        self.blocks = nn.Sequential(
            *(
                ConvBlock(i, o, up=0 < k <= ups, up_form=up_form)
                for k, (i, o) in enumerate(zip([widths[0], *widths], widths, strict=False))
            )
        )

    def forward(self, z: Tensor) -> Tensor:
        """Map ``z`` (B, latent_dim), or (B, latent_dim, 1, 1, 1), to A (B, 2·channels, S/4)."""
        h = self.fc(z.flatten(1))
        return self.blocks(h.view(h.shape[0], -1, self.base[0], self.base[1], self.base[2]))


class GeneratorH(nn.Sequential):
    """G^H: A or a crop of it (B, 2·channels, d, h, w) to the volume (B, image_channels, 4d, 4h, 4w) in [-1, 1]."""

    def __init__(self, *, channels: int, image_channels: int = 1, slab: Slab, up_form: UpForm = "products") -> None:
        super().__init__(
            ConvBlock(2 * channels, channels, up=True, seamless=slab == "seamless", up_form=up_form),
            UpConvolution(channels, image_channels, form=up_form),
            nn.Tanh(),
        )


class GeneratorL(nn.Sequential):
    """G^L: A (B, 2·channels, S/4) to the low-resolution volume (B, image_channels, S/4) in [-1, 1]."""

    def __init__(self, *, channels: int, image_channels: int = 1) -> None:
        super().__init__(
            ConvBlock(2 * channels, channels, up=False),
            ConvBlock(channels, channels // 2, up=False),
            nn.Conv3d(channels // 2, image_channels, 3, padding=1),
            nn.Tanh(),
        )


class Generator(nn.Module):
    """G^A, G^H and G^L.

    Args:
        size: Volume size S, one number or three; see `volume_size`.
        latent_dim, classes: Length of z, and of the one-hot class behind it; without a condition there is none.
        channels: Base width c (32 in the paper's code).
        image_channels: 1 for pairs concatenated in space, 2 for pairs in two channels.
        slab: ``official`` crops A and lets G^H pad and normalise the crop by itself, as the authors do. ``seamless``
            adds a halo of one voxel of A around the crop and normalises each voxel by itself in G^H, so that the slab
            equals the same slab of the whole volume.
        slab_fraction: The slab is 1 / slab_fraction of the first axis (8 in the paper).
        up_form: How up-convolutions are computed, see `UpConvolution`; the values are the same.
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
        up_form: UpForm = "products",
        classes: int = 0,
    ) -> None:
        super().__init__()
        self.size = list(volume_size(size))
        self.latent_dim, self.classes = latent_dim, classes
        self.seamless = slab == "seamless"
        self.slab_latents = slab_depth(size, slab_fraction) // LATENT_STRIDE
        self.g_a = GeneratorA(size, latent_dim=latent_dim + classes, channels=channels, up_form=up_form)
        self.g_h = GeneratorH(channels=channels, image_channels=image_channels, slab=slab, up_form=up_form)
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


def slab_depth(size: Size, slab_fraction: int) -> int:
    """Number of slices of a slab along the first axis.

    Raises:
        ValueError: The slab would hold no whole voxel of A.
    """
    depth, rest = divmod(volume_size(size)[0], slab_fraction)
    if rest or depth % LATENT_STRIDE:
        raise ValueError(
            f"slab_fraction {slab_fraction} cuts size {size} into slabs of {depth} slices, expected a multiple of "
            f"{LATENT_STRIDE}: use a smaller slab_fraction"
        )
    return depth


def _wrap(layer: nn.Module, spectral_norm: bool) -> nn.Module:
    return add_spectral_norm(layer) if spectral_norm else layer


class DiscriminatorH(nn.Module):
    """D^H: slab (B, image_channels, d, S_1, S_2) and its position to a logit (B, 1)."""

    def __init__(self, size: Size, *, channels: int, image_channels: int, depth: int, spectral_norm: bool) -> None:
        super().__init__()
        size = volume_size(size)
        n = stages(size) + 2
        widths = [image_channels, *_doubling(16 * channels, n, low=channels // 2)]
        layers = []
        for i, o in pairwise(widths):
            # the slab is thinner than wide: kernel 4 while more than 4 slices are left, then 2, then none along depth
            kernel, stride, padding = (4, 2, 1) if depth > 4 else (2, 2, 0) if depth > 1 else (1, 1, 0)
            conv = nn.Conv3d(i, o, (kernel, 4, 4), (stride, 2, 2), (padding, 1, 1))
            layers += [_wrap(conv, spectral_norm), nn.LeakyReLU(0.2)]
            depth = depth // stride
        last = WholeConvolution(widths[-1], 4 * channels, (depth, *smallest(size)[1:]))
        self.blocks = nn.Sequential(*layers, _wrap(last, spectral_norm), nn.LeakyReLU(0.2), nn.Flatten())
        self.fc1 = _wrap(nn.Linear(4 * channels + 1, 2 * channels), spectral_norm)
        self.fc2 = _wrap(nn.Linear(2 * channels, 1), spectral_norm)

    def forward(self, x: Tensor, position: float) -> Tensor:
        """Judge slabs ``x`` at ``position`` (0 first, 1 last possible start)."""
        return self.fc2(self.features(x, position))

    def features(self, x: Tensor, position: float) -> Tensor:
        """What the logit is linear in, (B, 2·channels)."""
        h = self.blocks(x)
        h = torch.cat([h, position * h.new_ones(h.shape[0], 1)], dim=1)
        return F.leaky_relu(self.fc1(h), 0.2)


class DiscriminatorL(nn.Sequential):
    """D^L: low-resolution volume (B, image_channels, S/4) to a logit (B, 1)."""

    def __init__(self, size: Size, *, channels: int, image_channels: int, spectral_norm: bool) -> None:
        size = volume_size(size)
        widths = [image_channels, *_doubling(8 * channels, stages(size), low=channels)]
        layers = []
        for i, o in pairwise(widths):
            layers += [_wrap(nn.Conv3d(i, o, 4, 2, 1), spectral_norm), nn.LeakyReLU(0.2)]
        last = WholeConvolution(widths[-1], 1, smallest(size))
        super().__init__(*layers, _wrap(last, spectral_norm), nn.Flatten())


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
        common = {"channels": channels, "image_channels": image_channels, "spectral_norm": spectral_norm}
        self.d_h = DiscriminatorH(size, depth=depth, **common)
        self.d_l = DiscriminatorL(size, **common)

    def forward(self, x_slab: Tensor, x_low: Tensor, r: int) -> Tensor:
        """Logit (B, 1) of slabs that start at voxel ``r`` and their low-resolution volumes."""
        return (self.d_h(x_slab, r / self.last_start) + self.d_l(x_low)) / 2


def _strided(in_channels: int, out_channels: int) -> Stage:
    return Stage(nn.Conv3d(in_channels, out_channels, 4, 2, 1), _norm(out_channels), nn.ReLU(inplace=True))


class EncoderH(nn.Sequential):
    """E^H: slab (B, image_channels, d, h, w) to its part of A (B, 2·channels, d/4, h/4, w/4)."""

    def __init__(self, *, channels: int = 32, image_channels: int = 1) -> None:
        super().__init__(
            _strided(image_channels, channels),
            ConvBlock(channels, channels, up=False),
            _strided(channels, 2 * channels),
        )


class EncoderG(nn.Sequential):
    """E^G: concatenated slab codes (B, 2·channels, S/4) to the latent ẑ (B, latent_dim)."""

    def __init__(self, size: Size, *, latent_dim: int = 1024, channels: int = 32) -> None:
        size = volume_size(size)
        widths = [2 * channels, *_doubling(8 * channels, stages(size), low=channels)]
        blocks = [_strided(i, o) for i, o in pairwise(widths)]
        super().__init__(*blocks, WholeConvolution(widths[-1], latent_dim, smallest(size)), nn.Flatten())
