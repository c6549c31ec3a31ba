"""Segmentation loss for cases of which some organs were not contoured."""

from monai.losses import DiceLoss
from torch import Tensor, nn
from torch.nn import functional as F


class PartialLabelLoss(nn.Module):
    """Dice + binary cross-entropy per organ, over the organs that a case has contours of.

    An organ without any voxel in a case's target was not contoured there; what the network says of it counts neither
    way (Med3D, sec. 3.2, leaves such organs out). A batch without any contour gives 0.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dice = DiceLoss(sigmoid=True, reduction="none")

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Mean over the contoured (case, organ) of logits and 0/1 target, both (B, organs, H, W, D)."""
        target = target.to(logits.dtype)
        contoured = target.flatten(2).any(-1).to(logits.dtype)  # (B, organs)
        cross_entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none").flatten(2).mean(-1)
        loss = self.dice(logits, target).flatten(1) + cross_entropy
        return (loss * contoured).sum() / contoured.sum().clamp(min=1)
