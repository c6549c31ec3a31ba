"""Multi-organ segmentation that pre-trains a feature extractor, by MedicalNet's recipe."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .medical_resnet import Depth, medical_resnet


class OrganSegmenter(nn.Module):
    """A dilated ResNet and a small head: (B, 1, H, W, D) → logits (B, organs, H, W, D), one yes or no for each organ.

    The head (Med3D, sec. 3.2) doubles the resolution of the encoder's maps, an eighth of the input, once, without
    skips, so that what it needs to know stands in the encoder; its logits are interpolated to the input's size.

    Args:
        organs: Number of them.
        depth: Of the ResNet.
        widths: Of its four stages.
        head_channels: Between the two convolutions of the head.
    """

    def __init__(
        self, organs: int, *, depth: Depth = 10, widths: Sequence[int] = (64, 128, 256, 512), head_channels: int = 32
    ) -> None:
        super().__init__()
        self.encoder = medical_resnet(depth, widths=widths)
        features = widths[-1] * (4 if depth == 50 else 1)
        self.head = nn.Sequential(
            nn.ConvTranspose3d(features, head_channels, 2, stride=2, bias=False),
            nn.BatchNorm3d(head_channels),
            nn.ReLU(inplace=True),
            nn.Conv3d(head_channels, head_channels, 3, padding=1, bias=False),
            nn.BatchNorm3d(head_channels),
            nn.ReLU(inplace=True),
            nn.Conv3d(head_channels, organs, 1),
        )
        nn.init.constant_(
            self.head.get_parameter("6.bias"), -4
        )  # starts from organs that are rare (Lin et al., 2017, sec. 3.3)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of each organ in each voxel."""
        logits = self.head(self.maps(x))  # (B, organs, H/4, W/4, D/4)
        return F.interpolate(logits, size=x.shape[2:], mode="trilinear")

    def maps(self, x: Tensor) -> Tensor:
        """What the encoder pools to features, (B, features, H/8, W/8, D/8)."""
        e = self.encoder
        x = e.maxpool(e.act(e.bn1(e.conv1(x))))
        return e.layer4(e.layer3(e.layer2(e.layer1(x))))

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        """Pooled features (B, features)."""
        return self.encoder(x)
