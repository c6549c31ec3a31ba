"""Reads a generated pair and writes it as small as NIfTI goes."""

import gzip

import nibabel as nib
import numpy as np

from ...data.case import Case
from ...data.volume_file import open_volume, read_mask
from ...files import replacing


def read_pair(
    case: Case, *, hu_step: int = 1, window: tuple[float, float] = (-1024, 600)
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image (int16, HU rounded to multiples of `hu_step` within `window`), mask (uint8, if its values fit) and affine.

    Steps of 2 HU take a seventh off a generated volume's file. Steps of 8 take 38 %, and a score of texture sees them.
    """
    image, label = open_volume(case.image), open_volume(case.label)
    rounded = np.round(np.asarray(image.dataobj) / hu_step) * hu_step
    low, high = window
    mask = read_mask(label, path=case.label)
    mask = mask.astype(np.uint8 if mask.max(initial=0) < 256 else np.uint16)
    return rounded.clip(low, high).astype(np.int16), mask, image.affine


def write_small_pair(case: Case, image: np.ndarray, label: np.ndarray, affine: np.ndarray) -> None:
    """Write both at gzip's highest level without time or name; the image last, as the sign of completion."""
    for path, array in ((case.label, label), (case.image, image)):
        volume = nib.Nifti1Image(array, affine)
        volume.header.set_xyzt_units("mm")
        with replacing(path) as temporary:
            temporary.write_bytes(gzip.compress(volume.to_bytes(), compresslevel=9, mtime=0))
