"""FastGAN's self-supervised discriminator (Liu et al., 2021, arXiv 2101.04775, sec. 3.2; thesis 3.6.3)."""

from collections.abc import Sequence
from itertools import pairwise
from math import log2
from typing import Any

import torch
from monai.networks.layers import Conv, Pool
from monai.networks.layers.utils import get_norm_layer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm as add_spectral_norm

RESIDUAL_BLOCKS = 5  # at most, the last ones; halvings before them are plain strided convolutions
DECODER_DOUBLINGS = 4  # 8² to 128² in the paper
MIN_CHANNELS = 4

Norm = str | tuple[str, dict[str, Any]]


class Layer(nn.Sequential):
    """Convolution, normalisation, leaky ReLU 0.2."""

    def __init__(
        self, dims: int, in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, norm: Norm
    ) -> None:
        conv = Conv["conv", dims](in_channels, out_channels, kernel, stride, padding=(kernel - 1) // 2, bias=not norm)
        super().__init__(conv, get_norm_layer(norm, dims, out_channels), nn.LeakyReLU(0.2))


class DownBlock(nn.Module):
    """Mean of a main path (4ⁿ stride 2, 3ⁿ) and a direct one (average pooling, 1ⁿ); axes become ⌊axis / 2⌋."""

    def __init__(self, dims: int, in_channels: int, out_channels: int, *, norm: Norm) -> None:
        super().__init__()
        self.main = nn.Sequential(
            Layer(dims, in_channels, out_channels, 4, stride=2, norm=norm),
            Layer(dims, out_channels, out_channels, 3, norm=norm),
        )
        self.direct = nn.Sequential(Pool["avg", dims](2), Layer(dims, in_channels, out_channels, 1, norm=norm))

    def forward(self, x: Tensor) -> Tensor:
        """Down-sample `x` (B, in_channels, …)."""
        return (self.main(x) + self.direct(x)) / 2


class Decoder(nn.Sequential):
    """`doublings` times nearest ×2, 3ⁿ convolution, normalisation, GLU; then a 3ⁿ convolution and tanh."""

    def __init__(self, dims: int, in_channels: int, image_channels: int, *, doublings: int, norm: Norm) -> None:
        widths = [max(MIN_CHANNELS, in_channels >> i) for i in range(1, doublings + 1)]
        layers: list[nn.Module] = []
        for low, high in zip([in_channels, *widths], widths, strict=False):
            conv = Conv["conv", dims](low, 2 * high, 3, padding=1, bias=not norm)
            layers += [nn.Upsample(scale_factor=2), conv, get_norm_layer(norm, dims, 2 * high), nn.GLU(dim=1)]
        super().__init__(*layers, Conv["conv", dims](widths[-1], image_channels, 3, padding=1), nn.Tanh())


class FastGANDiscriminator(nn.Module):
    """Patch logits, and on real images the reconstruction that regularises the encoder.

        x ── ↓ ── … ── f1 ── ↓ ── f2 ── logits
                       │          └── decoder ── the whole image, small
                       └─ one quadrant ── decoder ── that quadrant of the image

    The encoder halves the axes k times: the first k - 5 (at least one) by strided convolutions, the others by residual
    blocks. A decoder gives up to 16 times the extent of its features, but never more than the image has.

    The reconstruction loss (eq. 2) is L1 on area-averaged targets: the perceptual distance that the authors train on
    photographs fits neither CT nor volumes. The part is a quadrant (an octant in 3D) drawn for each sample.

    Args:
        size: (H, W) or (H, W, D), each axis at least 16.
        image_channels: As in the generator.
        channels: Base width; f2 has 16 times as many, each doubling of the extent half of it (64 in the authors' code).
        smallest: Least extent of f2's smallest axis after the halvings, with at least two halvings; None is 8 in 2D as
            in the paper and 4 in 3D.
        norm: Any of MONAI's normalisation layers; "" for none, as the gradient penalty wants it.
        spectral_norm: Divide each convolution of encoder and logits by its largest singular value (thesis 2.6.2).

    Raises:
        ValueError: `size` is not of 2 or 3 axes of at least 16.
    """

    def __init__(
        self,
        size: Sequence[int],
        *,
        image_channels: int = 1,
        channels: int = 64,
        smallest: int | None = None,
        norm: Norm = "batch",
        spectral_norm: bool = True,
    ) -> None:
        super().__init__()
        self.size, dims = tuple(int(axis) for axis in size), len(size)
        if dims not in (2, 3) or min(self.size) < 16:
            raise ValueError(f"FastGAN's image size is {list(size)}, expected 2 or 3 axes of at least 16")
        if smallest is None:
            smallest = 8 if dims == 2 else 4
        k = max(2, int(log2(min(self.size) / smallest)))
        widths = [image_channels] + [max(MIN_CHANNELS, 16 * channels >> (k - i)) for i in range(1, k + 1)]
        stages: list[nn.Module] = [Layer(dims, widths[0], widths[1], 4, stride=2, norm="")]
        for number, (low, high) in enumerate(pairwise(widths[1:]), start=1):
            if number < k - RESIDUAL_BLOCKS:
                stages.append(Layer(dims, low, high, 4, stride=2, norm=norm))
            else:
                stages.append(DownBlock(dims, low, high, norm=norm))
        self.encoder, self.last = nn.Sequential(*stages[:-1]), stages[-1]
        self.to_logits = nn.Sequential(
            Layer(dims, widths[-1], widths[-1], 1, norm=norm), Conv["conv", dims](widths[-1], 1, 4)
        )
        if spectral_norm:
            for module in list(self.modules()):
                if isinstance(module, nn.Conv2d | nn.Conv3d):
                    add_spectral_norm(module)
        self._set_extents(k)
        self.decode_whole = Decoder(dims, widths[-1], image_channels, doublings=min(DECODER_DOUBLINGS, k), norm=norm)
        self.decode_part = Decoder(dims, widths[-2], image_channels, doublings=min(DECODER_DOUBLINGS, k - 1), norm=norm)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, N), one a patch, of `x` (B, image_channels, size)."""
        return self.to_logits(self.last(self.encoder(x))).flatten(1)

    def draw(self, count: int, rng: torch.Generator) -> dict[str, Tensor]:
        """Which part to reconstruct: "crop" (count,), in 0 … 2^axes - 1, on the CPU."""
        return {"crop": torch.randint(2 ** len(self.size), (count,), generator=rng)}

    def reconstruct(self, x: Tensor, crop: Tensor) -> tuple[Tensor, Tensor]:
        """The whole of `x` (B, image_channels, size) from f2, and from f1 the part that `crop` (B,) names.

        Bit a of `crop` chooses the lower (0) or the upper (1) half of spatial axis a.
        """
        f1 = self.encoder(x)
        return self._decode(f1, self.last(f1), crop)

    def targets(self, x: Tensor, crop: Tensor) -> tuple[Tensor, Tensor]:
        """What `reconstruct` should give: the whole and the part of `x`, averaged down to the decoders' extents."""
        part = _parts(x, crop, self.image_half)
        return F.interpolate(x, self.whole_size, mode="area"), F.interpolate(part, self.part_size, mode="area")

    def reconstruction_loss(self, x: Tensor, crop: Tensor) -> Tensor:
        """L1 of the whole plus L1 of the part, each against its target (eq. 2)."""
        return _l1(self.reconstruct(x, crop), self.targets(x, crop))

    def logits_and_reconstruction_loss(self, x: Tensor, crop: Tensor) -> tuple[Tensor, Tensor]:
        """`forward` and `reconstruction_loss` of real `x` from one encoding."""
        f1 = self.encoder(x)
        f2 = self.last(f1)
        return self.to_logits(f2).flatten(1), _l1(self._decode(f1, f2, crop), self.targets(x, crop))

    def _decode(self, f1: Tensor, f2: Tensor, crop: Tensor) -> tuple[Tensor, Tensor]:
        return self.decode_whole(f2), self.decode_part(_parts(f1, crop, self.feature_half))

    def _set_extents(self, k: int) -> None:
        """Extents of half of f1, of the same share of the image, and of the decoders' images."""
        f1 = [axis >> (k - 1) for axis in self.size]
        self.feature_half = [axis // 2 for axis in f1]
        halves = zip(self.size, self.feature_half, f1, strict=True)
        self.image_half = [round(axis * half / whole) for axis, half, whole in halves]
        self.whole_size = [(axis >> k) << min(DECODER_DOUBLINGS, k) for axis in self.size]
        self.part_size = [half << min(DECODER_DOUBLINGS, k - 1) for half in self.feature_half]


def _parts(x: Tensor, crop: Tensor, extent: Sequence[int]) -> Tensor:
    """The lower or upper `extent` of each axis of `x` (B, C, …), chosen for each sample by the bits of `crop`."""
    parts = []
    for sample, bits in zip(x, crop.tolist(), strict=True):
        starts = [(n - e) * (bits >> axis & 1) for axis, (n, e) in enumerate(zip(x.shape[2:], extent, strict=True))]
        parts.append(sample[(..., *[slice(start, start + e) for start, e in zip(starts, extent, strict=True)])])
    return torch.stack(parts)


def _l1(images: tuple[Tensor, Tensor], targets: tuple[Tensor, Tensor]) -> Tensor:
    losses = [F.l1_loss(image.float(), target.float()) for image, target in zip(images, targets, strict=True)]
    return losses[0] + losses[1]
