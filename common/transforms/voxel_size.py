"""Random voxel sizes on an unchanged grid."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform, Resize
from monai.utils import ensure_tuple_rep


class RandVoxelSized(RandomizableTransform, MapTransform):
    """Resamples a volume (C, H, W, D) to a random isotropic voxel size and back to its grid: it looks scanned coarser.

    The thesis trains on data sets of 1 to 3 mm (3.5.1); a network's input keeps its number of voxels, so on the fly
    only the detail that such voxels lose is lost. Axes whose voxels are larger already stay as they are.

    Args:
        keys: Volumes, all resampled alike.
        voxel_sizes: Those to draw from, mm.
        mode: Of each key's interpolation; masks take ``nearest-exact``.
        spacing_key: Item (3,) with the voxel spacing, mm, see `KeepSpacingd`.
        prob: Probability of being applied.

    Raises:
        ValueError: No voxel size, or one that is not above 0.
    """

    def __init__(
        self,
        keys: KeysCollection,
        voxel_sizes: Sequence[float],
        *,
        mode: Sequence[str] | str = "trilinear",
        spacing_key: str = "spacing",
        prob: float = 1,
    ) -> None:
        RandomizableTransform.__init__(self, prob)
        MapTransform.__init__(self, keys)
        if not voxel_sizes or min(voxel_sizes) <= 0:
            raise ValueError(f"voxel_sizes are {list(voxel_sizes)}, expected millimetres above 0, one at least")
        self.voxel_sizes = [float(size) for size in voxel_sizes]
        self.mode = ensure_tuple_rep(mode, len(self.keys))
        self.spacing_key = spacing_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Each key at the voxel size drawn, on the grid it had."""
        d = dict(data)
        self.randomize(None)
        if not self._do_transform:
            return d
        voxel_size = self.voxel_sizes[self.R.randint(len(self.voxel_sizes))]
        for key, mode in zip(self.keys, self.mode, strict=True):
            size = np.array(d[key].shape[1:])
            coarse = np.minimum(size, np.rint(size * np.asarray(d[self.spacing_key]) / voxel_size)).astype(int).clip(1)
            d[key] = Resize(size.tolist(), mode=mode)(Resize(coarse.tolist(), mode=mode)(d[key]))
        return d
