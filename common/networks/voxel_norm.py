"""Normalisation that looks at one voxel only."""

from torch import Tensor, nn
from torch.nn import functional as F


class VoxelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each voxel, blind to all other voxels.

    GroupNorm takes its mean and variance over the whole map, so a crop and the same place of the whole volume are
    normalised differently. Here a crop is normalised as the whole is (the pixel norm of Karras et al., 2018, with the
    mean removed). All channels form one group: groups of a few channels would leave little but their signs.
    Parameters as ``nn.GroupNorm``. Shapes: (B, C, D, H, W) unchanged.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x`` (B, C, D, H, W)."""
        x = x.movedim(1, -1)
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps).movedim(-1, 1)
