"""The mask burned into its image."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.transforms import Transform


class Overlay:
    """`image` with `value` wherever `mask` is above `background`; both (1, H, W, D) in [-1, 1].

    One volume that shows where the mask lies in the anatomy, so that features of it notice a mask of another patient.
    Features of image and mask side by side (`Pair`, z_concat) hardly do once they are averaged over the volume.

    Raises:
        ValueError: Image and mask differ in shape.
    """

    def __init__(self, *, value: float = 1.0, background: float = -1.0) -> None:
        self.value = value
        self.background = background

    def __call__(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The image with its mask."""
        if image.shape != mask.shape:
            raise ValueError(f"overlay: image {tuple(image.shape)} and mask {tuple(mask.shape)} differ in shape")
        return torch.where(mask > self.background, self.value, image)


class Overlayd(Transform):
    """Dictionary version of `Overlay`: adds `output_key`; the image alone where there is no mask."""

    def __init__(
        self, image_key: str = "image", label_key: str = "label", output_key: str = "overlay", **options: float
    ) -> None:
        self.image_key, self.label_key, self.output_key = image_key, label_key, output_key
        self.overlay = Overlay(**options)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the overlay."""
        image, mask = data[self.image_key], data.get(self.label_key)
        return {**data, self.output_key: image if mask is None else self.overlay(image, mask)}
