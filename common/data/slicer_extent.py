"""3D Slicer stores a segmentation on the extent of its segments, which is smaller than the image's."""

from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.spatialimages import SpatialImage

from .volume_file import open_volume, same_place

SUFFIX = ".seg.nrrd"


def whole_segmentation(path: str | Path, image: str | Path) -> SpatialImage:
    """The mask at `path` on the grid of `image`, where it is a segmentation that has a part of that grid.

    It has one if spacing and direction are equal, its corner lies on a voxel, and no segment reaches beyond the image.
    Other masks come as they are: the check of pairs refuses those that do not fit.
    """
    mask = open_volume(path)
    if not str(path).lower().endswith(SUFFIX):
        return mask
    whole = open_volume(image)
    between = np.linalg.inv(whole.affine) @ mask.affine  # voxels of the mask to those of the image
    corner = np.rint(between[:3, 3]).astype(int)
    moved = whole.affine.copy()
    moved[:3, 3] = whole.affine[:3] @ [*corner, 1]
    if mask.shape == whole.shape or not same_place(moved, mask.affine, mask.shape):
        return mask
    values = np.asarray(mask.dataobj)
    start, stop = np.maximum(corner, 0), np.minimum(corner + mask.shape, whole.shape)
    if (stop <= start).any():
        return mask
    inside = values[tuple(slice(*ends) for ends in zip(start - corner, stop - corner, strict=True))]
    if np.count_nonzero(inside) < np.count_nonzero(values):
        return mask
    placed = np.zeros(whole.shape, values.dtype)
    placed[tuple(slice(*ends) for ends in zip(start, stop, strict=True))] = inside
    result = nib.Nifti1Image(placed, whole.affine)
    result.header.set_xyzt_units("mm")
    return result
