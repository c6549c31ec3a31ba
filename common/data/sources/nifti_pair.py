"""Writes the NIfTI files of a pair, with a note that tells later runs what they were made from."""

import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import DTypeLike

from ...files import replacing
from ..case import Case
from ..volume_file import open_volume


def pair_paths(directory: Path, case_id: str) -> tuple[Path, Path]:
    """Paths of image and label of a case."""
    return directory / "images" / f"{case_id}.nii.gz", directory / "labels" / f"{case_id}.nii.gz"


def recipe_note(recipe: Any) -> str:
    """Short digest of whatever a pair is made from (any JSON value), to be kept in the files' headers."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True, default=str).encode()).hexdigest()[:40]


def write_pair(
    case: Case, image: np.ndarray, label: np.ndarray, affine: np.ndarray, *, note: str, image_type: DTypeLike = np.int16
) -> None:
    """Write image (HU) and label (uint8, if it fits), of one affine (RAS mm); the image last."""
    small = np.uint8 if label.max(initial=0) < 256 else np.uint16
    types: list[tuple[Path, np.ndarray, DTypeLike]] = [(case.label, label, small), (case.image, image, image_type)]
    for path, array, dtype in types:
        volume = nib.Nifti1Image(array.astype(dtype), affine)
        volume.header.set_xyzt_units("mm")
        volume.header["descrip"] = note.encode()
        with replacing(path) as temporary:
            nib.save(volume, temporary)


def is_written(case: Case, *, note: str) -> bool:
    """Whether both files are there and were made from the recipe of `note`; one whose header is damaged is not."""
    for path in (case.image, case.label):
        try:
            header = open_volume(path).header
            if not isinstance(header, nib.Nifti1Header) or header["descrip"].item().decode() != note:
                return False
        except (OSError, EOFError, ValueError, zlib.error, nib.filebasedimages.ImageFileError):
            return False
    return True
