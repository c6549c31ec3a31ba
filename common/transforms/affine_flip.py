"""Random rotation, scaling and mirroring of patches, in one resampling."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.transforms import MapTransform, Randomizable
from monai.transforms.utils import create_rotate, create_scale
from torch import Tensor

_SLAB = 2**17  # voxels


class RandAffineFlipd(Randomizable, MapTransform):
    """Turns and scales an image and its mask alike about their centre, then mirrors them along an axis.

    What MONAI's `RandAffined` and `RandFlipd` do with the same parameters, to rounding, on plain tensors: the image is
    interpolated linearly, the mask takes the nearest label, and what comes from outside is the border's. As in MONAI, a
    scale above 1 shrinks what is shown.

    Args:
        keys: Image and mask, (1, H, W, D).
        prob: Of turning and scaling.
        rotate_range: Largest turn about each axis, radians; drawn from ±.
        scale_range: Largest change of each axis; 0.2 draws from 0.8 to 1.2.
        flip_prob: Of mirroring.
        flip_axis: Along which.
    """

    def __init__(
        self,
        keys: Sequence[str],
        *,
        prob: float,
        rotate_range: Sequence[float],
        scale_range: Sequence[float],
        flip_prob: float,
        flip_axis: int = 0,
    ) -> None:
        MapTransform.__init__(self, keys)
        self.prob = prob
        self.rotate_range = tuple(rotate_range)
        self.scale_range = tuple(scale_range)
        self.flip_prob = flip_prob
        self.flip_axis = flip_axis

    def draw(self) -> tuple[np.ndarray | None, bool]:
        """Matrix (3, 3) from voxels of the result to those of the volume, both from the centre, and whether to flip."""
        matrix = None
        if self.R.rand() < self.prob:
            angles = [self.R.uniform(-largest, largest) for largest in self.rotate_range]
            scales = [1 + self.R.uniform(-largest, largest) for largest in self.scale_range]
            matrix = np.asarray(create_rotate(3, angles) @ create_scale(3, scales))[:3, :3]
        return matrix, self.R.rand() < self.flip_prob

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with both volumes, plain tensors."""
        item = dict(data)
        image, label = (item[key].as_subclass(Tensor) for key in self.keys)
        matrix, flip = self.draw()
        if matrix is not None:
            image, label = resampled(image, label, matrix)
        if flip:
            image, label = (volume.flip(self.flip_axis + 1) for volume in (image, label))
        item.update(zip(self.keys, (image, label), strict=True))
        return item


def resampled(image: Tensor, label: Tensor, matrix: np.ndarray) -> tuple[Tensor, Tensor]:
    """Image, linearly, and mask, by the nearest label, (1, H, W, D) at ``matrix`` times each voxel from the centre.

    Slabs of voxels that the processor's cache holds, one after the other.
    """
    size = image.shape[1:]
    thick = max(1, _SLAB // (size[1] * size[2]))
    x, y, z = (torch.arange(n) - (n - 1) / 2 for n in size)  # from the centre
    rows = torch.as_tensor(matrix, dtype=torch.float32)
    slabs = []
    for slab in x.split(thick):
        axes = zip(size, rows, strict=True)
        places = [slab[:, None, None] * a + (y[:, None] * b + (z * c + (n - 1) / 2)) for n, (a, b, c) in axes]
        slabs.append(_sampled(image, label, places))
    images, labels = zip(*slabs, strict=True)
    return torch.cat(images)[None], torch.cat(labels)[None]


def _sampled(image: Tensor, label: Tensor, places: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Image and mask (1, H, W, D) at `places`, coordinates along each axis, which are overwritten.

    The eight neighbours of all places are gathered at once; torch's `grid_sample` goes voxel by voxel in 3D.
    """
    size, shape = image.shape[1:], places[0].shape
    first, nearest = (torch.zeros(shape, dtype=torch.int32) for _ in range(2))  # numbers of voxels, last axis first
    weights = []  # of the next voxel along each axis
    for n, place in zip(size, places, strict=True):
        place.clamp_(0, n - 1)
        nearest.mul_(n).add_((place + 0.5).int())
        below = place.floor().clamp_(max=max(n - 2, 0))
        first.mul_(n).add_(below.int())
        weights.append(place.sub_(below).reshape(-1))
    steps = [step * (n > 1) for step, n in zip((size[1] * size[2], size[2], 1), size, strict=True)]
    first, values = first.reshape(-1), image.reshape(-1)

    def between(offset: int, axis: int) -> Tensor:
        """Values at an offset from the first neighbours, interpolated along the axes from `axis` on."""
        if axis == len(size):
            return values[offset:].index_select(0, first)
        return between(offset, axis + 1).lerp_(between(offset + steps[axis], axis + 1), weights[axis])

    return between(0, 0).reshape(shape), label.reshape(-1).index_select(0, nearest.reshape(-1)).reshape(shape)
