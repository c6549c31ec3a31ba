"""Masks as a few numbers a block, for networks that work on a coarser grid than the mask's."""

import torch
from monai.networks.utils import pixelshuffle, pixelunshuffle
from torch import Tensor
from torch.nn import functional as F

BLOCK = 4  # voxels along each axis
_HALF = 2


class OccupancyCode:
    """Shares of classes in the eight parts of 4³ blocks: (B, 1, H, W, D) → (B, 8·(labels - 1), H/4, W/4, D/4).

    Nothing is learned, so that a lesion of a few voxels, which an autoencoder of few cases loses, stays. The way back
    is the class with the largest share between the parts' centres: what is thinner than two voxels may vanish, all else
    keeps its outline to half a voxel.

    Args:
        labels: Classes, background included; they are the values -1, …, 1 of a mask at equal steps.

    Raises:
        ValueError: Fewer than two labels.
    """

    def __init__(self, labels: int) -> None:
        if labels < 2:
            raise ValueError(f"labels is {labels}, expected 2 or more: a mask has a background and a foreground")
        self.labels = labels

    @property
    def channels(self) -> int:
        """Numbers a block."""
        return _HALF**3 * (self.labels - 1)

    def encode(self, mask: Tensor) -> Tensor:
        """Shares, as -1 (none) to 1 (all), of ``mask`` (B, 1, H, W, D) in [-1, 1]."""
        classes = ((mask + 1) / 2 * (self.labels - 1)).round().long()[:, 0]
        foreground = F.one_hot(classes, self.labels)[..., 1:].movedim(-1, 1).float()
        return pixelunshuffle(F.avg_pool3d(foreground, _HALF), 3, _HALF) * 2 - 1

    def decode(self, code: Tensor) -> Tensor:
        """Mask (B, 1, H, W, D) in [-1, 1] with the class of the largest share."""
        shares = (pixelshuffle(code, 3, _HALF) + 1) / 2
        fine = F.interpolate(shares, scale_factor=float(_HALF), mode="trilinear")
        background = 1 - fine.sum(1, keepdim=True)
        classes = torch.cat([background, fine], 1).argmax(1, keepdim=True)
        return classes.to(code.dtype) / (self.labels - 1) * 2 - 1
