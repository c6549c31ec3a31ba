"""Anti-aliased resizing without a frame."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import InvertibleTransform, MapTransform, Resize
from monai.utils import convert_to_dst_type, convert_to_numpy
from scipy import ndimage


class AntialiasedResize(InvertibleTransform):
    """MONAI's trilinear `Resize` after a Gaussian of σ = (factor - 1) / 2 along each axis that shrinks.

    Equal to scikit-image's `resize(order=1, mode="edge", anti_aliasing=True)`, the thesis's function. `Resize`'s own
    `anti_aliasing` pads with zeros, which draws a frame of up to 0.19 around a volume of -1: here the border repeats.
    Image (C, H, W, D), affine kept right; masks take `Resize(mode="nearest-exact")` (`nearest` shifts by half a voxel).
    """

    def __init__(self, spatial_size: Sequence[int]) -> None:
        self.resize = Resize(spatial_size, mode="trilinear")

    def __call__(self, img: torch.Tensor) -> torch.Tensor:
        """(C, H, W, D) to (C, *spatial_size), float32."""
        factors = np.divide(img.shape[1:], self.resize.spatial_size)
        sigma = np.maximum(factors - 1, 0) / 2
        smooth = ndimage.gaussian_filter(convert_to_numpy(img).astype(np.float32), (0, *sigma), mode="nearest")
        return self.resize(convert_to_dst_type(smooth, img, dtype=torch.float32)[0])

    def inverse(self, img: torch.Tensor) -> torch.Tensor:
        """Back to the size before, trilinearly, for MONAI's `Invertd`; what the Gaussian removed stays removed."""
        return self.resize.inverse(img)


class AntialiasedResized(MapTransform, InvertibleTransform):
    """Dictionary version of `AntialiasedResize`."""

    def __init__(self, keys: KeysCollection, spatial_size: Sequence[int], *, allow_missing_keys: bool = False) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.resize = AntialiasedResize(spatial_size)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Each key to `spatial_size`."""
        return {**data, **{key: self.resize(data[key]) for key in self.key_iterator(data)}}

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Each key back to its size before."""
        return {**data, **{key: self.resize.inverse(data[key]) for key in self.key_iterator(data)}}
