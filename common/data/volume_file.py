"""Volume files, opened."""

from pathlib import Path

import nibabel as nib
from nibabel.spatialimages import SpatialImage


def open_volume(path: str | Path) -> SpatialImage:
    """The NIfTI file at `path`, with shape, affine and header; voxels are read when ``dataobj`` is asked for.

    Raises:
        FileNotFoundError, ImageFileError: As nibabel's `load`.
        ValueError: The file holds something else than a volume, such as a surface.
    """
    volume = nib.load(path)
    if not isinstance(volume, SpatialImage):  # nibabel promises a file of any kind
        raise ValueError(f"{path} holds a {type(volume).__name__}, expected a volume: name a NIfTI file")
    return volume
