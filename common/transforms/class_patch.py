"""A patch around a voxel of a class drawn at random."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.transforms import MapTransform, Randomizable
from monai.transforms.utils import correct_crop_centers
from torch import Tensor


class RandClassPatchd(Randomizable, MapTransform):
    """Crops a patch around a voxel of a class, all classes of the mask alike often, and all voxels of one.

    What `monai.transforms.RandCropByLabelClassesd` draws, without its list of the voxels of every class and its lists
    of patches. A patch that would reach beyond the volume is moved inside.

    Args:
        keys: Volumes (1, H, W, D) to crop alike.
        label_key: Mask (1, H, W, D) with whole numbers from 0.
        num_classes: Of the mask.
        spatial_size: Of the patch, voxels.
    """

    def __init__(
        self, keys: str | Sequence[str], *, label_key: str, num_classes: int, spatial_size: Sequence[int]
    ) -> None:
        MapTransform.__init__(self, keys)
        self.label_key = label_key
        self.num_classes = num_classes
        self.spatial_size = tuple(spatial_size)

    def draw(self, data: Tensor) -> tuple[int, ...]:
        """First voxel of the patch, of a mask.

        Raises:
            ValueError: The mask has none of the classes, or is smaller than the patch.
        """
        label = data.numpy().reshape(-1)
        classes = [value for value in range(self.num_classes) if (label == value).any()]
        if not classes:
            raise ValueError(f"the mask has none of the classes 0 to {self.num_classes - 1}")
        value = classes[self.R.randint(len(classes))]
        voxels = np.flatnonzero(label == value)
        centre = np.unravel_index(voxels[self.R.randint(len(voxels))], data.shape[1:])
        centre = correct_crop_centers([int(voxel) for voxel in centre], self.spatial_size, data.shape[1:])
        return tuple(int(voxel) - size // 2 for voxel, size in zip(centre, self.spatial_size, strict=True))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with its patches, plain tensors."""
        item = dict(data)
        start = self.draw(item[self.label_key].as_subclass(Tensor))
        patch = (
            slice(None),
            *(slice(first, first + size) for first, size in zip(start, self.spatial_size, strict=True)),
        )
        for key in self.key_iterator(item):
            item[key] = item[key].as_subclass(Tensor)[patch]
        return item
