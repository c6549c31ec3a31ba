"""Mends pairs whose image and mask differ by a slice at the end (thesis: off-by-one slices in HECKTOR)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from ..files import replacing


def repair_slices(entry: Mapping[str, Any], *, most: int = 1) -> bool:
    """Cut the longer of image and mask to the shorter one's slices, at the far end; whether that was done.

    Done only where the affines agree and nothing but up to ``most`` slices of one axis differs. A link is replaced by
    the new file; the file it points to stays as it is.
    """
    volumes = {key: nib.load(entry[key]) for key in ("image", "label")}
    shapes = np.array([volume.shape for volume in volumes.values()])
    differences = np.abs(shapes[0] - shapes[1])
    one_axis = np.count_nonzero(differences) == 1 and differences.max() <= most
    if not one_axis or not np.allclose(volumes["image"].affine, volumes["label"].affine, atol=1e-3):
        return False
    shape = shapes.min(axis=0)
    for key, volume in volumes.items():
        if volume.shape != tuple(shape):
            _write_cut(volume, shape, Path(entry[key]))
    return True


def _write_cut(volume: nib.Nifti1Image, shape: np.ndarray, path: Path) -> None:
    cut = volume.slicer[tuple(slice(int(n)) for n in shape)]
    with replacing(path) as temporary:
        nib.save(cut, temporary)
