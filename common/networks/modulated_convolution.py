"""The layers of StyleGAN2 (Karras et al., 2020, doi 10.1109/CVPR42600.2020.00813), in 2D and 3D.

Equalised learning rate (Karras et al., 2018, sec. 4.1): weights start from N(0, 1) and are scaled at run time by
1 / √fan_in. The √2 of the He constant stands behind the activation, where no demodulation cancels it.
"""

from math import prod, sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_CONVOLUTION = {2: F.conv2d, 3: F.conv3d}


def leaky_relu(x: Tensor) -> Tensor:
    """√2·LeakyReLU(x) with slope 0.2, which about keeps the second moment of N(0, 1)."""
    return F.leaky_relu(x, 0.2) * sqrt(2)


def upsample(x: Tensor) -> Tensor:
    """Bi- or trilinear ×2 of maps (B, C, *size): the paper's filter [1, 3, 3, 1], with the edges repeated."""
    return F.interpolate(x, scale_factor=2.0, mode={4: "bilinear", 5: "trilinear"}[x.dim()], align_corners=False)


def widths(channels: int, levels: int, max_channels: int | None = None) -> list[int]:
    """Channels of ``levels`` resolutions, the finest first, doubling up to ``max_channels`` (16·channels unless given).

    These are the authors' at 1024² and ``channels = 32``.
    """
    return [min(channels << level, max_channels or 16 * channels) for level in range(levels)]


class EqualisedLinear(nn.Module):
    """Fully connected layer at an equalised learning rate, (…, in_features) to (…, out_features).

    Args:
        bias: Value that the bias starts from.
        lr_multiplier: λ: parameters are stored 1 / λ as large and used times λ, so that the optimiser's step counts
            λ times (Karras et al., 2019, app. C).
    """

    def __init__(self, in_features: int, out_features: int, *, bias: float = 0.0, lr_multiplier: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((out_features,), bias / lr_multiplier))
        self.lr_multiplier = lr_multiplier
        self.scale = lr_multiplier / sqrt(in_features)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer."""
        return F.linear(x, self.weight * self.scale, self.bias * self.lr_multiplier)


class EqualisedConvolution(nn.Module):
    """Convolution at an equalised learning rate, (B, in_channels, *size) to (B, out_channels, *size).

    Args:
        dimensions: 2 or 3.
        stride: Of the kernel.
        padding: Zeros on each side; half the kernel unless given.
        bias: Whether there is one; it starts from 0.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        dimensions: int,
        stride: int = 1,
        padding: int | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, *[kernel] * dimensions))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.scale = 1 / sqrt(prod(self.weight.shape[1:]))
        self.stride = stride
        self.padding = kernel // 2 if padding is None else padding
        self.convolve = _CONVOLUTION[dimensions]

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``x``."""
        return self.convolve(x, self.weight * self.scale, self.bias, stride=self.stride, padding=self.padding)


class ModulatedConvolution(nn.Module):
    """Convolution whose weights each sample's style scales (sec. 2.2): w'_ijk = s_i·w_ijk, w'' = w' / √(Σ_ik w'² + ε).

    s = A(w), a learned affine map of the style w that starts around 1 (eq. 1); the division demodulates (eq. 3).
    Computed as an ordinary convolution with shared weights, its inputs scaled by s_i and its outputs by
    1 / √(Σ_i s_i²·Σ_k w_ijk² + ε), which is equal and needs no weights for each sample.

    `up` interpolates the maps linearly ×2 before the convolution. Away from the edges that is the paper's transposed
    convolution followed by its blur [1, 3, 3, 1], for the two filters commute; at the edges no zeros are blurred in.

    Args:
        kernel: Odd width of the kernel.
        dimensions: 2 or 3.
        style_dim: Length of w.
        demodulate: Whether to demodulate; the outputs then have variance 1 for independent inputs of variance 1.
        up: Whether to upsample first.

    Shapes: (B, in_channels, *size) and (B, style_dim) to (B, out_channels, *size), or 2·size when `up`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        *,
        dimensions: int,
        style_dim: int,
        demodulate: bool = True,
        up: bool = False,
    ) -> None:
        super().__init__()
        self.affine = EqualisedLinear(style_dim, in_channels, bias=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, *[kernel] * dimensions))
        self.scale = 1 / sqrt(prod(self.weight.shape[1:]))
        self.padding = kernel // 2
        self.demodulate = demodulate
        self.up = up
        self.convolve = _CONVOLUTION[dimensions]

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Convolve ``x`` with the weights of the styles ``w``."""
        style = self.affine(w)  # (B, in_channels)
        weight = self.weight * self.scale
        x = x * _per_map(style, x)
        x = self.convolve(upsample(x) if self.up else x, weight, padding=self.padding)
        return x * _per_map(demodulation(weight, style), x) if self.demodulate else x


def demodulation(weight: Tensor, style: Tensor, *, eps: float = 1e-8) -> Tensor:
    """1 / √(Σ_i s_i²·Σ_k w_ijk² + ε) (eq. 3), (B, out_channels), in full precision under autocast, too."""
    with torch.autocast(style.device.type, enabled=False):
        energy = weight.float().square().flatten(2).sum(2)  # (out_channels, in_channels)
        return (style.float().square() @ energy.T + eps).rsqrt()


def _per_map(factors: Tensor, x: Tensor) -> Tensor:
    """Factors (B, C) in the shape and precision of the maps ``x`` that they multiply."""
    return factors.view(*factors.shape, *[1] * (x.dim() - 2)).to(x.dtype)
