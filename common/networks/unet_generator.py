"""U-Net generator of the Vanilla GAN and the WGAN (thesis 3.6.1, figures 3.26 and 3.27), in 2D or 3D.

    noise ─ e_1 ─ e_2 ─ … ─ e_n ─ bottleneck ─ d_n ─ … ─ d_2 ─ d_1 ─ output
             │     │         └───── skip ───────┘         │     │
             │     └───────────────────────────────────────┘     │
             └─────────────────────────────────────────────────────┘

Each convolution on the way down halves the map, each transposed one on the way up doubles it: the U-Net of pix2pix
(Isola et al., 2017, sec. 6.1.1), which has the thesis's seven blocks on either side at n = 7.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
from monai.networks.layers.factories import Conv
from torch import Tensor, nn
from torch.nn import functional as F

from .conv_discriminator import doubled_widths, halved_sizes, halving, spatial_size, strided_block
from .image_generator import ImageGenerator


class UNetGenerator(ImageGenerator):
    """Image from a noise volume of the image's own size.

    The first encoder block has no normalisation, the others batch normalisation; the decoder blocks have dropout
    instead (thesis 3.6.1; Isola et al. normalise those too, and drop out in three of them only). The thesis gives no
    widths, kernels or dropout rate; chosen: 32, 64, 128, 256, 256, … channels, half of Isola's because a 4³ kernel has
    four times the weights of a 4² one, and Isola's kernel 4 and rate 0.5.

    Batch normalisation keeps PyTorch's running statistics, so that an image in evaluation mode depends on its own z
    alone; trained with batches of one, as in the thesis, it is an instance normalisation in training mode.

    Args:
        size: Two or three axes of the image, of any length; their number decides between 2D and 3D.
        image_channels: 1 for pairs concatenated in space, 2 for pairs in two channels.
        channels: Width of the first block; doubles up to eight times as many.
        blocks: Encoder blocks, and as many decoder blocks: 7 for Vanilla GAN 1, 4 for Vanilla GAN 2 and the WGAN.
        dropout: Rate after each decoder block, in training mode only.

    Attributes:
        latent_dim: Number of the image's voxels, one noise value each (what thesis tables 4.4, 4.6 and 4.8 call the
            latent dimension, 16 and 154, is the length of the first axis).

    Raises:
        ValueError: The size does not have two or three positive axes.
    """

    def __init__(
        self, size: Sequence[int], *, image_channels: int = 1, channels: int = 32, blocks: int = 7, dropout: float = 0.5
    ) -> None:
        size = spatial_size(size)
        super().__init__(size, image_channels=image_channels, latent_dim=prod(size))
        self.dropout = dropout
        maps = halved_sizes(self.size, blocks)
        widths = doubled_widths(channels, blocks)
        self.noise_volume = nn.Unflatten(1, (1, *self.size))
        norms = [None, *["batch"] * (blocks - 1)]
        self.encoders = nn.ModuleList(
            strided_block(i, o, map_, norm=norm, activation=nn.LeakyReLU(0.2))
            for (i, o), map_, norm in zip(pairwise([1, *widths]), maps, norms, strict=False)
        )
        self.bottleneck = strided_block(widths[-1], widths[-1], maps[-1], norm=None, activation=nn.ReLU())
        inputs = [widths[-1], *(2 * width for width in reversed(widths))]  # from the block below, and its skip
        outputs = [*reversed(widths), image_channels]
        *decoders, self.output = (
            doubling(i, o, map_) for i, o, map_ in zip(inputs, outputs, reversed(maps), strict=True)
        )
        self.decoders = nn.ModuleList(decoders)

    def forward(self, z: Tensor, dropout_seeds: Tensor | None = None) -> Tensor:
        """Images (B, image_channels, *size) in [-1, 1] of ``z`` (B, latent_dim).

        ``dropout_seeds`` (B, blocks), one for each sample and decoder block, decide in training mode what is dropped
        (differently on each kind of device); without them dropout draws from PyTorch's global generator.
        """
        h = self.noise_volume(z)
        skips: list[Tensor] = []
        for encoder in self.encoders:
            h = encoder(h)
            skips.append(h)
        h = self.bottleneck(h)
        for k, decoder in enumerate(self.decoders):
            h = decoder(h)
            if self.training and dropout_seeds is not None:
                h = seeded_dropout(h, dropout_seeds[:, k], self.dropout)
            else:
                h = F.dropout(h, self.dropout, self.training)
            h = torch.cat([F.relu(h), skips[-1 - k]], dim=1)
        return torch.tanh(self.output(h))

    def draw(self, count: int, rng: torch.Generator) -> dict[str, Tensor]:
        """Noise of one training update for `count` samples: "z" and, where there is dropout, "dropout_seeds"."""
        noise = super().draw(count, rng)
        if self.dropout:
            noise["dropout_seeds"] = torch.randint(2**63 - 1, (count, len(self.decoders)), generator=rng)
        return noise


def doubling(in_channels: int, out_channels: int, size: Sequence[int]) -> nn.Module:
    """Transposed convolution that undoes, in size, a strided one of a map of ``size``, to the voxel."""
    transposed = Conv["convtrans", len(size)]
    odd = tuple(axis % 2 if axis > 1 else 0 for axis in size)
    return transposed(in_channels, out_channels, output_padding=odd, **halving(size))


@torch.jit.unused  # a scripted generator is for inference, which drops nothing
def seeded_dropout(x: Tensor, seeds: Tensor, rate: float) -> Tensor:
    """Dropout of ``x`` (B, …) by a generator of its own for each sample: what is dropped depends on its seed alone."""
    masks = [
        torch.rand(sample.shape, generator=torch.Generator(x.device).manual_seed(seed), device=x.device) < rate
        for sample, seed in zip(x, seeds.tolist(), strict=True)
    ]
    return x.masked_fill(torch.stack(masks), 0) / (1 - rate)
