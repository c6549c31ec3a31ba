"""A convolution whose kernel is the whole map, computed as the linear layer that it is."""

from torch import Tensor, nn
from torch.nn import functional as F


class WholeConvolution(nn.Conv3d):
    """``nn.Conv3d`` without padding on maps of its kernel's size: (B, C, *kernel_size) to (B, O, 1, 1, 1).

    Parameters and values are the convolution's. oneDNN turns a convolution's weight into an order of its own at each
    call and the weight's gradient back, which takes most of the time where the weight is larger than the map.
    """

    def forward(self, x: Tensor) -> Tensor:
        """The one output voxel of ``x``."""
        return F.linear(x.flatten(1), self.weight.flatten(1), self.bias)[:, :, None, None, None]
