"""MONAI's image reader, with the geometry that everything else of this collection reads."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from monai.config import PathLike
from monai.data import NibabelReader
from monai.utils import ensure_tuple
from nibabel.arrayproxy import ArrayProxy

from ..data.volume_file import open_volume

_KEPT = ("uint8", "int8", "int16", "int32")  # torch computes with these, in half of a float's memory or less


class VolumeReader(NibabelReader):
    """Opens files by `open_volume`; voxels are the stored whole numbers, or float32.

    MONAI 1.6.1's own reader puts the qform, even one without a code, in the place of the sform where the header's voxel
    sizes differ from the sform's by more than about 1e-5: a mask and its image then lie in different places.
    """

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: Any) -> Any:
        """The opened file, or a list of several."""
        self.filenames = ensure_tuple(data)
        volumes = [open_volume(str(name)) for name in self.filenames]
        return volumes if len(volumes) > 1 else volumes[0]

    def _get_array_data(self, img: Any, filename: Any) -> np.ndarray:
        """MONAI's hook: nibabel makes float64 of scaled values, eight bytes for each two of a CT."""
        voxels = img.dataobj
        scaled = isinstance(voxels, ArrayProxy) and (voxels.slope, voxels.inter) != (1, 0)
        native = voxels.dtype.newbyteorder("=")
        stored = np.asarray(voxels, dtype=np.float32 if scaled or native.name not in _KEPT else native)
        if stored.ndim != 3 or stored.flags.c_contiguous:
            return stored
        turned = np.empty(stored.shape, stored.dtype)
        for row in range(stored.shape[1]):  # as a whole, NumPy fetches a line of the cache for each voxel
            turned[:, row] = np.ascontiguousarray(stored[:, row].T).T
        return turned
