"""Nearest ×2 upsampling followed by a 3³ convolution, computed exactly as one transposed convolution."""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# One axis: with nearest ×2, out[2i] = w0·x[i-1] + (w1+w2)·x[i] and out[2i+1] = (w0+w1)·x[i] + w2·x[i+1], which is a
# transposed convolution of stride 2 and padding 1 with the kernel [w2, w1+w2, w0+w1, w0]. Columns: w0, w1, w2.
_AXIS = ((0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 0.0, 0.0))


def composition_matrix() -> Tensor:
    """Matrix (27, 64) that takes a flattened 3³ kernel to the flattened 4³ kernel of the transposed convolution."""
    axis = torch.tensor(_AXIS)
    return torch.einsum("xa,yb,zc->abcxyz", axis, axis, axis).reshape(27, 64)


class UpConvolution(nn.Conv3d):
    """Nearest ×2 upsampling and a 3³ convolution with zero padding, without the upsampled tensor.

    Parameters are those of ``nn.Conv3d(in_channels, out_channels, 3, padding=1)``, so weights are exchanged with the
    plain form; values and gradients agree with it to rounding (64 instead of 216 products per input voxel and pair of
    channels). Maps under 128 voxels use the plain form, for which composing the kernel would be the larger cost.

    Args:
        composed: False computes the plain form always (the reference of tests and benchmarks).

    Shapes: (B, in_channels, D, H, W) to (B, out_channels, 2D, 2H, 2W).
    """

    composed: Final[bool]
    min_voxels: Final[int]

    def __init__(self, in_channels: int, out_channels: int, *, composed: bool = True) -> None:
        super().__init__(in_channels, out_channels, kernel_size=3, padding=1)
        self.composed = composed
        self.min_voxels = 128  # over the batch; below, composing the kernel costs more than the convolution saves
        self.register_buffer("composition", composition_matrix(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Upsample and convolve ``x`` (B, in_channels, D, H, W)."""
        voxels = x.shape[0] * x.shape[2] * x.shape[3] * x.shape[4]
        if self.composed and voxels >= self.min_voxels:
            return F.conv_transpose3d(x, self.composed_kernel(), self.bias, stride=2, padding=1)
        return F.conv3d(F.interpolate(x, scale_factor=2.0, mode="nearest"), self.weight, self.bias, padding=1)

    def composed_kernel(self) -> Tensor:
        """Kernel (in_channels, out_channels, 4, 4, 4) of the transposed convolution, differentiable in the weight."""
        weight = self.weight.transpose(0, 1).reshape(-1, 27)
        return torch.mm(weight, self.composition).view(self.in_channels, self.out_channels, 4, 4, 4)
