"""Volumes as the viewer reads them."""

from collections.abc import Sequence

import nibabel as nib
import numpy as np


def neutral_nifti(volume: np.ndarray, *, spacing: Sequence[float]) -> bytes:
    """Uncompressed NIfTI-1 file of (H, W, D): two of one shape, type and spacing differ in their voxels alone.

    Args:
        volume: In RAS.
        spacing: In mm; the origin is the middle.
    """
    affine = np.diag([*map(float, spacing), 1.0])
    affine[:3, 3] = -affine[:3, :3] @ (np.array(volume.shape) - 1) / 2
    image = nib.Nifti1Image(np.ascontiguousarray(volume), affine)
    image.header.set_xyzt_units("mm")
    return image.to_bytes()
