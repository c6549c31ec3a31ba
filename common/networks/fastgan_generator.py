"""FastGAN's generator (Liu et al., 2021, arXiv 2101.04775, sec. 3.1; thesis 3.6.3) for planes and volumes of any size.

z ── transposed conv ── f0 ── ↑ ── f1 ── ↑ ── … ── ↑ ── f_k ── conv, tanh, crop
                        └──────────── SLE ──────────────┘
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from monai.networks.layers import Conv, Pool
from monai.networks.layers.utils import get_norm_layer
from torch import Tensor, nn

from .image_generator import ImageGenerator
from .resolutions import SMALLEST, crop_centre, first_map, halvings
from .up_convolution import UpConvolution

SPAN = 4  # doublings between the two ends of a skip-layer excitation: 8² to 128², 16² to 256², … in the paper
MIN_CHANNELS = 4
# widths of the maps after 0, 1, … doublings in units of the base width, those of the authors' 1024² generator
WIDTHS = (16, 8, 4, 2, 2, 1, 1 / 2, 1 / 4, 1 / 8)

Norm = str | tuple[str, dict[str, Any]]


class NoiseInjection(nn.Module):
    """y = x + w·n with one learnt weight w, 0 at the start, and Gaussian noise n (1, …) of each sample.

    The noise of a sample is drawn from that sample's generator alone, so it does not depend on the rest of the batch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, noise: Sequence[torch.Generator] | None = None) -> Tensor:
        """Add noise to `x` (B, C, …) from one generator a sample; without generators `x` itself."""
        if noise is None:
            return x
        maps = [torch.randn((1, *x.shape[2:]), generator=rng, device=x.device, dtype=x.dtype) for rng in noise]
        return x + self.weight * torch.stack(maps)


class UpBlock(nn.Module):
    """Nearest ×2, then once (the plain block) or twice: 3ⁿ convolution, noise, normalisation, GLU.

    Shapes: (B, in_channels, …) to (B, out_channels, 2·…).
    """

    def __init__(self, dims: int, in_channels: int, out_channels: int, *, convolutions: int, norm: Norm) -> None:
        super().__init__()
        wide = 2 * out_channels  # GLU halves the channels
        convs = [_up_convolution(dims, in_channels, wide)]
        convs += [Conv["conv", dims](out_channels, wide, 3, padding=1, bias=False) for _ in range(convolutions - 1)]
        self.convs = nn.ModuleList(convs)
        self.noises = nn.ModuleList(NoiseInjection() for _ in convs)
        self.activations = nn.ModuleList(nn.Sequential(get_norm_layer(norm, dims, wide), nn.GLU(dim=1)) for _ in convs)

    def forward(self, x: Tensor, noise: Sequence[torch.Generator] | None = None) -> Tensor:
        """Up-sample `x` (B, in_channels, …)."""
        for conv, inject, activate in zip(self.convs, self.noises, self.activations, strict=True):
            x = activate(inject(conv(x), noise))
        return x


class SkipLayerExcitation(nn.Module):
    """y = F(x_low) · x_high, channel by channel (eq. 1).

    F: adaptive average pooling to 4ⁿ, 4ⁿ convolution to one voxel, leaky ReLU 0.1, 1ⁿ convolution, sigmoid.

    Shapes: x_low (B, low_channels, …), x_high (B, high_channels, …) to (B, high_channels, …).
    """

    def __init__(self, dims: int, low_channels: int, high_channels: int) -> None:
        super().__init__()
        self.weights = nn.Sequential(
            Pool["adaptiveavg", dims](4),
            Conv["conv", dims](low_channels, high_channels, 4, bias=False),
            nn.LeakyReLU(0.1),
            Conv["conv", dims](high_channels, high_channels, 1, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        """Weigh the channels of `high` by `low`."""
        return self.weights(low) * high


class FastGANGenerator(ImageGenerator):
    """Latent z to an image in [-1, 1].

    The first map is ⌈size / 2^k⌉ with 4 to 7 voxels along its smallest axis; plain and two-convolution blocks
    alternate, beginning with the latter; excitations reach over 4 doublings (×16 as in the paper), over all k where
    there are fewer. The result, at most 2^k - 1 voxels too long along an axis, is cropped centrally to `size`
    (1024 × 3840 to 1024 × 3680, 40³ to 38³).

    Batch norm as in the paper: a batch of 1 trains, normalised over its voxels alone, but its evaluation then rests on
    running averages that no batch has had; take another `norm` there. In evaluation mode samples do not influence each
    other. Spectral norm is left to the discriminator, so that averaged weights (EMA) stay plain averages.

    Args:
        size, image_channels: As for `ImageGenerator`; each axis at least 4.
        latent_dim: Length of z; 256 in the paper, 256, 512 and 1024 in the thesis (table 4.13).
        channels: Base width; the maps have 16, 8, 4, 2, 2, 1, ½, ¼, ⅛ times as many (64 in the authors' code).
        norm: Any of MONAI's normalisation layers, e.g. ("group", {"num_groups": 4}).

    Raises:
        ValueError: `size` is not of 2 or 3 axes of at least 4.
    """

    def __init__(
        self,
        size: Sequence[int],
        *,
        latent_dim: int = 256,
        image_channels: int = 1,
        channels: int = 64,
        norm: Norm = "batch",
    ) -> None:
        super().__init__(size, image_channels=image_channels, latent_dim=latent_dim)
        if len(self.size) not in (2, 3) or min(self.size) < SMALLEST:
            raise ValueError(f"FastGAN's image size is {list(size)}, expected 2 or 3 axes of at least {SMALLEST}")
        dims, k = len(self.size), halvings(self.size)
        # beyond the paper's 8 doublings they stay at the last
        widths = [max(MIN_CHANNELS, int(channels * WIDTHS[min(i, len(WIDTHS) - 1)])) for i in range(k + 1)]
        self.initial = nn.Sequential(
            Conv["convtrans", dims](latent_dim, 2 * widths[0], first_map(self.size), bias=False),
            get_norm_layer(norm, dims, 2 * widths[0]),
            nn.GLU(dim=1),
        )
        self.blocks = nn.ModuleList(
            UpBlock(dims, low, high, convolutions=1 + (i + 1) % 2, norm=norm)
            for i, (low, high) in enumerate(pairwise(widths))
        )
        self.span = min(SPAN, k)
        ends = zip(widths, widths[self.span :], strict=False) if k else ()
        self.excitations = nn.ModuleList(SkipLayerExcitation(dims, low, high) for low, high in ends)
        self.to_image = nn.Sequential(Conv["conv", dims](widths[-1], image_channels, 3, padding=1), nn.Tanh())

    def forward(self, z: Tensor, noise_seed: Tensor | None = None) -> Tensor:
        """Images (B, image_channels, size) of `z` (B, latent_dim).

        Args:
            z: Latents.
            noise_seed: One seed a sample, (B,) int64, for the noise maps (the same values again on the same kind of
                device); None, as in inference, injects no noise, its mean.
        """
        noise = None
        if noise_seed is not None:
            noise = [torch.Generator(z.device).manual_seed(seed) for seed in noise_seed.tolist()]
        maps = [self.initial(z.flatten(1)[(..., *[None] * len(self.size))])]
        for i, block in enumerate(self.blocks, start=1):
            h = block(maps[-1], noise)
            maps.append(self.excitations[i - self.span](maps[i - self.span], h) if i >= self.span else h)
        return crop_centre(self.to_image(maps[-1]), self.size)

    def draw(self, count: int, rng: torch.Generator) -> dict[str, Tensor]:
        """Latents "z" (count, latent_dim) and seeds "noise_seed" (count,) of one update, on the CPU."""
        return super().draw(count, rng) | {"noise_seed": torch.randint(2**62, (count,), generator=rng)}


def _up_convolution(dims: int, in_channels: int, out_channels: int) -> nn.Module:
    """Nearest ×2 and a 3ⁿ convolution without bias, which the normalisation would remove."""
    if dims == 2:
        conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        return nn.Sequential(nn.Upsample(scale_factor=2), conv)
    up = UpConvolution(in_channels, out_channels)
    up.register_parameter("bias", None)
    return up
