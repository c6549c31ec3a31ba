"""Strided convolutional discriminator of the Vanilla GAN and the WGAN (thesis 3.6.1, 3.6.2), in 2D or 3D."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any, Literal

from monai.networks.layers.factories import Conv, Norm
from torch import Tensor, nn

DiscriminatorNorm = Literal["none", "batch", "instance"]


def spatial_size(size: Sequence[int]) -> tuple[int, ...]:
    """The two or three axes of ``size``, checked.

    Raises:
        ValueError: There are not two or three of them, or one is not positive.
    """
    axes = tuple(int(axis) for axis in size)
    if len(axes) not in (2, 3) or min(axes) < 1:
        raise ValueError(f"image size is {list(axes)}, expected two or three positive axes, e.g. [154, 154, 54]")
    return axes


def halved_sizes(size: Sequence[int], count: int) -> list[tuple[int, ...]]:
    """``size`` and the sizes of the maps of `count` strided convolutions: half, rounded down, and never below 1."""
    sizes = [tuple(size)]
    for _ in range(count):
        sizes.append(tuple(max(1, axis // 2) for axis in sizes[-1]))
    return sizes


def halving(size: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Kernel 4, stride 2, padding 1 for a map of ``size``; an axis of 1 cannot be halved: 1, 1, 0 there.

    The transposed convolution of the same three gives 2·⌊axis / 2⌋: ``output_padding`` adds what an odd axis lost.
    """
    kernel, stride, padding = zip(*((4, 2, 1) if axis > 1 else (1, 1, 0) for axis in size), strict=True)
    return {"kernel_size": kernel, "stride": stride, "padding": padding}


def doubled_widths(channels: int, count: int) -> list[int]:
    """Widths of `count` layers, doubling from `channels` up to eight times as many (Isola et al., 2017, sec. 6.1)."""
    return [channels * 2 ** min(k, 3) for k in range(count)]


def strided_block(
    in_channels: int, out_channels: int, size: Sequence[int], *, norm: str | None, activation: nn.Module
) -> nn.Sequential:
    """Strided convolution of a map of ``size``, MONAI's normalisation layer `norm`, activation.

    One value a channel has no variance: there PyTorch refuses to normalise a batch of one, and a larger batch would
    be left little but signs. A map that becomes one voxel is therefore not normalised.
    """
    dims = len(size)
    norm = None if prod(halved_sizes(size, 1)[1]) == 1 else norm
    # the mean that a normalisation takes away would make a bias useless
    layers = [Conv["conv", dims](in_channels, out_channels, bias=norm is None, **halving(size))]
    if norm:
        options: dict[str, Any] = {"affine": True} if norm == "instance" else {}
        layers.append(Norm[norm, dims](out_channels, **options))
    return nn.Sequential(*layers, activation)


class ConvDiscriminator(nn.Module):
    """Strided convolutions with LeakyReLU 0.2, then a linear layer to one logit.

    The thesis names the kind of network and gives no widths; those here are chosen: 32, 64, 128, 256, half of the
    usual 64 … 512 because a 4³ kernel has four times the weights of a 4² one.

    Args:
        size: Two or three axes of the image, of any length; their number decides between 2D and 3D.
        image_channels: 1 for pairs concatenated in space, 2 for pairs in two channels.
        channels: Width of the first block; doubles up to eight times as many.
        blocks: Number of strided convolutions.
        norm: Of all blocks but the first. ``batch`` makes a logit depend on the other samples of the batch, so that
            the gradient penalty of WGAN-GP is no longer that of one sample (Gulrajani et al., 2017, sec. 4, which
            proposes a normalisation per sample instead): none by default, since the WGAN shares this network.

    Raises:
        ValueError: The size does not have two or three positive axes, or the norm is unknown.
    """

    def __init__(
        self,
        size: Sequence[int],
        *,
        image_channels: int = 1,
        channels: int = 32,
        blocks: int = 4,
        norm: DiscriminatorNorm = "none",
    ) -> None:
        super().__init__()
        if norm not in ("none", "batch", "instance"):
            raise ValueError(f"norm is '{norm}', expected one of none, batch, instance")
        self.size = spatial_size(size)
        maps = halved_sizes(self.size, blocks)
        widths = [image_channels, *doubled_widths(channels, blocks)]
        norms = [None, *[None if norm == "none" else norm] * (blocks - 1)]
        self.blocks = nn.Sequential(
            *(
                strided_block(i, o, map_, norm=block_norm, activation=nn.LeakyReLU(0.2))
                for (i, o), map_, block_norm in zip(pairwise(widths), maps, norms, strict=False)
            )
        )
        self.fc = nn.Linear(widths[-1] * prod(maps[-1]), 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, 1) of ``x`` (B, image_channels, *size).

        Raises:
            ValueError: The images are not of the discriminator's size.
        """
        if tuple(x.shape[2:]) != self.size:
            raise ValueError(f"batch of images {list(x.shape[2:])}, expected the discriminator's size {[*self.size]}")
        return self.fc(self.blocks(x).flatten(1))
