"""RadImageNet's ResNet-50 on slices, as MAISI's 2.5D FID takes it (Mei et al. 2022, doi 10.1148/ryai.210315)."""

import torch
from torch import Tensor, nn

_MEAN = (0.406, 0.456, 0.485)  # of blue, green, red, which MAISI subtracts


class RadImageNetResNet50(nn.Module):
    """Keras' ResNet-50 without its head: strides in the first convolution of a block, biases, ε of 1.001e-5.

    The names are those of ``torch.hub.load("Warvito/radimagenet-models", "radimagenet_resnet50")``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3)
        self.bn1 = _norm(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        widths, counts = (64, 128, 256, 512), (3, 4, 6, 3)
        channels = 64
        for number, (width, count) in enumerate(zip(widths, counts, strict=True), start=1):
            blocks = [_Bottleneck(channels, width, stride=1 if number == 1 else 2)]
            channels = 4 * width
            blocks += [_Bottleneck(channels, width) for _ in range(count - 1)]
            setattr(self, f"layer{number}", nn.Sequential(*blocks))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, 2048, h/32, w/32) of pictures (N, 3, h, w)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for number in range(1, 5):
            x = self.get_submodule(f"layer{number}")(x)
        return x


class _Bottleneck(nn.Module):
    def __init__(self, channels: int, width: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, width, 1, stride=stride), _norm(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, padding=1), _norm(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 4 * width, 1), _norm(4 * width)
        self.relu = nn.ReLU(inplace=True)
        changes = stride > 1 or channels != 4 * width
        self.downsample = (
            nn.Sequential(nn.Conv2d(channels, 4 * width, 1, stride=stride), _norm(4 * width)) if changes else None
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        same = x if self.downsample is None else self.downsample(x)
        return self.relu(self.bn3(self.conv3(y)) + same)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1.001e-5)


class EachSlice(nn.Module):
    """Features of each slice of three planes, one behind the other: (B, 1, H, W, D) in [-1, 1] → (B, 3·slices·2048).

    Slices are scored as MAISI's ``compute_fid_2-5d_ct.py`` does: the window's ends are 0 and 1, less a mean for each
    colour, and the last maps are averaged.

    Args:
        slices: Of each plane, at equal steps.
        pictures: At once.
    """

    def __init__(self, *, slices: int = 8, pictures: int = 8) -> None:
        super().__init__()
        self.network = RadImageNetResNet50()
        self.slices = slices
        self.pictures = pictures
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Features of volumes.

        Raises:
            ValueError: An axis has fewer slices.
        """
        if min(x.shape[2:]) < self.slices:
            raise ValueError(
                f"volumes of {tuple(x.shape[2:])} have no {self.slices} slices in each plane: set radimagenet_slices"
            )
        return torch.cat([self._plane(x.movedim(axis, 2)) for axis in (4, 2, 3)], dim=1)  # axial, sagittal, coronal

    def _plane(self, x: Tensor) -> Tensor:
        step = x.shape[2] / self.slices
        chosen = x[:, 0, [int((i + 0.5) * step) for i in range(self.slices)]].flatten(0, 1)[:, None]
        pictures = (chosen.expand(-1, 3, -1, -1) + 1) / 2 - self.get_buffer("mean")
        maps = [self.network(group).mean((2, 3)) for group in pictures.split(self.pictures)]
        return torch.cat(maps).unflatten(0, (len(x), -1)).flatten(1)
