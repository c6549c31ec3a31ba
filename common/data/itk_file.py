"""Volumes in ITK's formats, MetaImage and NRRD, as they would be in NIfTI.

SimpleITK reads them: MONAI 1.6.1's own reader of NRRD takes every space but one for RAS, and mirrors the others.
"""

import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from ..optional_packages import optional_package

_HEADER_LINES = 10_000  # that a header has at most, and characters of each
ITK_SUFFIXES = (".seg.nrrd", ".nrrd", ".mha")
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])  # axes of ITK and DICOM to those of NIfTI, and back


def is_itk(path: str | Path) -> bool:
    """Whether the name is that of a MetaImage or NRRD file."""
    return Path(path).name.lower().endswith(ITK_SUFFIXES)


def read_itk(path: str | Path) -> nib.Nifti1Image:
    """Voxels and place of the file at `path`, in mm; a 3D Slicer segmentation holds the label values of its segments.

    Raises:
        FileNotFoundError: There is none.
        RuntimeError: SimpleITK is not installed.
        ValueError: The file cannot be read, is no volume, is measured in another unit, or holds segments that overlap.
    """
    image = _read(Path(path), voxels=True)
    sitk = optional_package("SimpleITK", needed_for=f"reading {path}")
    _require_one_volume(path, image, image.GetNumberOfComponentsPerPixel())
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    values = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    volume = nib.Nifti1Image(_for_nifti(values), LPS_TO_RAS @ affine)
    volume.header.set_xyzt_units("mm")
    volume.set_sform(volume.affine, code=1)
    volume.set_qform(volume.affine, code=1)
    return volume


def require_itk(path: str | Path) -> None:
    """Refuse what `read_itk` would, as far as the header says it; voxels are not read."""
    header = _read(Path(path), voxels=False)
    _require_one_volume(path, header, header.GetNumberOfComponents())


def _read(path: Path, *, voxels: bool) -> Any:
    """The image of a file, or the reader that has read its header."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}: expected a volume; name another")
    if (units := _nrrd_units(path)) - {"mm", ""}:
        raise ValueError(
            f"{path} is measured in {', '.join(sorted(units))}, expected mm, which SimpleITK takes all lengths for: "
            "save it in mm"
        )
    reader = optional_package("SimpleITK", needed_for=f"reading {path}").ImageFileReader()
    reader.SetFileName(str(path))
    try:
        if voxels:
            return reader.Execute()
        reader.ReadImageInformation()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1][:100]
        raise ValueError(f"{path} cannot be read ({reason}): copy it again, or move it away") from error
    return reader


def _nrrd_units(path: Path) -> set[str]:
    """Units of the lengths of an NRRD file, where its header says them; none of another file."""
    if not path.name.lower().endswith(".nrrd"):
        return set()
    with path.open("rb") as file:
        for _ in range(_HEADER_LINES):
            line = file.readline(_HEADER_LINES).strip()
            if line.lower().startswith(b"space units:"):
                return {unit.strip().lower() for unit in re.findall(r'"([^"]*)"', line.decode(errors="replace"))}
            if not line:  # voxels follow
                break
    return set()


def _require_one_volume(path: str | Path, image: Any, layers: int) -> None:
    size = image.GetSize()
    if layers > 1 and any(key.startswith("Segment0_") for key in image.GetMetaDataKeys()):
        names = _segments(image)
        raise ValueError(
            f"{path} holds segments that overlap, in {layers} layers ({', '.join(names)}), expected one label a voxel: "
            "export it from 3D Slicer as a label map, or remove the overlap"
        )
    if layers > 1 or len(size) != 3:
        raise ValueError(
            f"{path} holds {layers} values a voxel in {len(size)} axes, expected one in 3: save one volume"
        )


def _segments(image: Any) -> list[str]:
    keys = (f"Segment{number}_Name" for number in range(len(image.GetMetaDataKeys())))
    return [image.GetMetaData(key) for key in keys if image.HasMetaDataKey(key)]


def _for_nifti(values: np.ndarray) -> np.ndarray:
    """The values in a type that nibabel writes without being told to; 64-bit whole numbers become 32-bit ones."""
    return values.astype(np.int32) if values.dtype in (np.int64, np.uint64) else values
