"""MONAI's random elastic deformation in a fraction of its memory."""

from collections.abc import Hashable, Mapping

import numpy as np
import torch
from monai.networks.layers import gaussian_1d
from monai.transforms import Rand3DElasticd
from monai.transforms.utils import create_grid
from scipy.ndimage import correlate1d

_TRUNCATED = 3.0  # standard deviations of the kernel, as in MONAI


class RandElasticd(Rand3DElasticd):
    """`monai.transforms.Rand3DElasticd` with the same draws and results, to rounding.

    MONAI smooths the random offsets by a grouped convolution, for which torch lays out all voxels that each kernel
    covers, and moves a grid of float64. Here they are smoothed line by line, on a grid of float32.
    """

    def __call__(self, data: Mapping[Hashable, torch.Tensor]) -> dict[Hashable, torch.Tensor]:
        """Deform the volumes (C, H, W, D) of all keys alike; without a draw they stay as they are."""
        item, elastic = dict(data), self.rand_3d_elastic
        self.randomize(None)
        if not self._do_transform:
            return item
        size = item[self.first_key(item)].shape[1:]
        elastic.randomize(size)
        grid = torch.as_tensor(create_grid(size, dtype=torch.float32, backend="torch"))
        grid[:3] += torch.from_numpy(smoothed(elastic.rand_offset, sigma=elastic.sigma)) * elastic.magnitude
        grid = elastic.rand_affine_grid(grid=grid)
        for key, mode, padding_mode in self.key_iterator(item, self.mode, self.padding_mode):
            item[key] = elastic.resampler(item[key], grid, mode=mode, padding_mode=padding_mode)
        return item


def smoothed(offsets: np.ndarray, *, sigma: float) -> np.ndarray:
    """Offsets (3, H, W, D), smoothed in place by a Gaussian of `sigma` voxels; zeros around them, as in MONAI."""
    kernel = gaussian_1d(torch.tensor(sigma), truncated=_TRUNCATED).numpy()
    for volume in offsets:
        for axis in range(volume.ndim):
            correlate1d(volume, kernel, axis=axis, output=volume, mode="constant")
    return offsets
