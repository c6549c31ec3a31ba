"""Anti-aliased resizing without a frame."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor, get_track_meta
from monai.transforms import InvertibleTransform, MapTransform, Resize
from monai.transforms.inverse import TraceableTransform
from monai.transforms.utils import scale_affine
from monai.utils import TraceKeys, convert_to_tensor
from scipy import ndimage
from torch.nn import functional as F

from .axis_product import product_along


class AntialiasedResize(InvertibleTransform):
    """MONAI's trilinear `Resize` after a Gaussian of σ = (factor - 1) / 2 along each axis that shrinks.

    Equal to scikit-image's `resize(order=1, mode="edge", anti_aliasing=True)`, the thesis's function. `Resize`'s own
    `anti_aliasing` pads with zeros, which draws a frame of up to 0.19 around a volume of -1: here the border repeats.
    Image (C, H, W, D), affine kept right; masks take `Resize(mode="nearest-exact")` (`nearest` shifts by half a voxel).
    """

    def __init__(self, spatial_size: Sequence[int]) -> None:
        self.spatial_size = tuple(int(length) for length in spatial_size)
        self.resize = Resize(spatial_size, mode="trilinear")

    def __call__(self, img: torch.Tensor) -> torch.Tensor:
        """(C, H, W, D) to (C, *spatial_size), float32.

        Gaussian and interpolation are both linear along each axis, and so are one product with a matrix, equal to both
        in turn to the rounding of float32.
        """
        before, after = tuple(img.shape[1:]), self.spatial_size
        if before == after:
            return self.resize(img)
        volume = convert_to_tensor(img, dtype=torch.float32, track_meta=False)
        for axis in sorted(range(3), key=lambda axis: (after[axis] / before[axis], -axis)):
            volume = product_along(volume, _weights(before[axis], after[axis]).to(volume.device), axis)
        if not isinstance(img, MetaTensor) or not get_track_meta():
            return volume
        traced = TraceableTransform.track_transform_meta(
            img,
            sp_size=after,
            affine=scale_affine(before, after),
            extra_info={"mode": self.resize.mode, "align_corners": TraceKeys.NONE, "dtype": "float32", "new_dim": 0},
            orig_size=before,
            transform_info=self.resize.get_transform_info(),
        )
        return MetaTensor(volume).copy_meta_from(traced)

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


def _weights(before: int, after: int) -> torch.Tensor:
    """What each of `before` voxels of an axis gives to each of `after`, (after, before)."""
    voxels = np.eye(before, dtype=np.float32)
    sigma = max(before / after - 1, 0) / 2
    smooth = ndimage.gaussian_filter1d(voxels, sigma, mode="nearest") if sigma else voxels
    return F.interpolate(torch.as_tensor(smooth)[None], after, mode="linear")[0].T
