"""Discriminator of StyleGAN2 (Karras et al., 2020, doi 10.1109/CVPR42600.2020.00813), in 2D and 3D."""

from collections.abc import Sequence
from math import prod, sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .modulated_convolution import EqualisedConvolution, EqualisedLinear, leaky_relu, widths
from .resolutions import halvings


class StyleGAN2Discriminator(nn.Module):
    """Images (B, image_channels, *size) to logits (B, 1); 2D or 3D by the number of axes.

    Residual (sec. 4.1, fig. 7c), with a minibatch standard deviation (Karras et al., 2018, sec. 3) before the last
    convolution. Each block halves the axes, rounding down, until the smallest is 4 to 7.

    Args:
        size: Axes of the image, each at least 4.
        image_channels: Of the image.
        channels: Width at the finest resolution; thesis table 4.15.
        max_channels: Widest, 16·channels unless given.
        minibatch_std_group: See `minibatch_std`.
    """

    def __init__(
        self,
        size: Sequence[int],
        *,
        image_channels: int = 1,
        channels: int = 32,
        max_channels: int | None = None,
        minibatch_std_group: int = 4,
    ) -> None:
        super().__init__()
        self.size = tuple(int(axis) for axis in size)
        self.image_channels = image_channels
        self.minibatch_std_group = minibatch_std_group
        dimensions, steps = len(self.size), halvings(self.size)
        maps = widths(channels, steps + 1, max_channels)
        last = maps[-1]
        self.from_image = EqualisedConvolution(image_channels, maps[0], 1, dimensions=dimensions)
        self.blocks = nn.Sequential(*(ResidualBlock(maps[i], maps[i + 1], dimensions=dimensions) for i in range(steps)))
        self.conv = EqualisedConvolution(last + 1, last, 3, dimensions=dimensions)
        self.hidden = EqualisedLinear(last * prod(axis >> steps for axis in self.size), last)
        self.logit = EqualisedLinear(last, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, 1) of images."""
        x = self.blocks(leaky_relu(self.from_image(x)))
        x = leaky_relu(self.conv(minibatch_std(x, group=self.minibatch_std_group)))
        return self.logit(leaky_relu(self.hidden(x.flatten(1))))


class ResidualBlock(nn.Module):
    """(B, in_channels, *size) to (B, out_channels, *size/2): two 3² or 3³ convolutions beside a 1-wide one, over √2.

    Both ways are blurred before the stride: the paper's bilinear downsampling.
    """

    def __init__(self, in_channels: int, out_channels: int, *, dimensions: int) -> None:
        super().__init__()
        self.conv1 = EqualisedConvolution(in_channels, in_channels, 3, dimensions=dimensions)
        self.conv2 = EqualisedConvolution(in_channels, out_channels, 3, dimensions=dimensions, stride=2, padding=0)
        self.skip = EqualisedConvolution(in_channels, out_channels, 1, dimensions=dimensions, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Halve the maps ``x``."""
        main = leaky_relu(self.conv1(x))
        main = leaky_relu(self.conv2(blur(main, padding=2)))
        return (main + self.skip(blur(x, padding=1, stride=2))) / sqrt(2)


def blur(x: Tensor, *, padding: int, stride: int = 1) -> Tensor:
    """Filter maps (B, C, *size) with [1, 3, 3, 1] / 8 along each axis, zeros around the maps."""
    line = torch.tensor([1.0, 3.0, 3.0, 1.0], device=x.device, dtype=x.dtype) / 8
    plane = line[:, None] * line
    kernel, convolve = (plane, F.conv2d) if x.dim() == 4 else (plane[..., None] * line, F.conv3d)
    channels = x.shape[1]
    return convolve(x, kernel.expand(channels, 1, *kernel.shape), stride=stride, padding=padding, groups=channels)


def minibatch_std(x: Tensor, *, group: int, eps: float = 1e-8) -> Tensor:
    """Maps (B, C, *size) with one more: the standard deviation over a group of samples, averaged over all else.

    A group has `group` samples, or the greatest number below that divides B; it takes every (B / number)-th sample, as
    the authors' code does. In a group of one the map is √eps.
    """
    count = len(x)
    group = max(number for number in range(1, min(group, count) + 1) if count % number == 0)
    grouped = x.float().reshape(group, count // group, -1)
    std = (grouped.var(0, correction=0) + eps).sqrt().mean(1)  # (count / group,)
    extra = std.repeat(group).to(x.dtype).view(-1, 1, *[1] * (x.dim() - 2))
    return torch.cat([x, extra.expand(-1, 1, *x.shape[2:])], 1)
