"""The one reading of a volume file: everything that opens one takes geometry, intensities and labels from here."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine, voxel_sizes
from nibabel.spatialimages import SpatialImage

from .itk_file import is_itk, read_itk

_MILLIMETRES = {"meter": 1000.0, "micron": 0.001}  # of NIfTI's units; "unknown" is taken for mm, as by all readers
_WHOLE = 1e-3  # a label that was scaled to an integer type and back is off by less
_GEOMETRY = (
    *("pixdim", "xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d"),
    *("qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"),
)
_MOVED = 0.1  # of a voxel: tools round affines differently


def open_volume(path: str | Path) -> SpatialImage:
    """The file at `path`, with shape, affine in mm and header; voxels of NIfTI are read when ``dataobj`` is asked for.

    The affine is nibabel's: the sform where it has a code, else the qform, else the centred one of the voxel sizes. It
    is not mended by the header's voxel sizes, as MONAI 1.6.1's reader does. Units of metres or micrometres become mm. A
    fourth axis of one volume goes. MetaImage and NRRD come as `read_itk` gives them.

    Raises:
        FileNotFoundError, ImageFileError: As nibabel's `load`.
        ValueError: The file holds something else than a volume, such as a surface.
    """
    volume: Any = read_itk(path) if is_itk(path) else nib.load(path)
    if not isinstance(volume, SpatialImage):  # nibabel promises a file of any kind
        raise ValueError(f"{path} holds a {type(volume).__name__}, expected a volume: name a NIfTI file")
    return plain_volume(volume)


def plain_volume(volume: SpatialImage) -> SpatialImage:
    """`volume` in mm, without further axes of length one; itself where it is so already."""
    if len(volume.shape) > 3 and set(volume.shape[3:]) == {1}:
        volume = volume.slicer[(..., *(0 for _ in volume.shape[3:]))]
    factor = _MILLIMETRES.get(_units(volume), 1.0)
    if factor == 1.0:
        return volume
    header: Any = volume.header.copy()  # one of NIfTI: others have no units
    affine = np.diag([factor, factor, factor, 1.0]) @ volume.affine
    forms = {name: getattr(header, f"get_{name}")(coded=True) for name in ("sform", "qform")}
    header.set_xyzt_units("mm")
    header.set_zooms([factor * size for size in header.get_zooms()[:3]])
    for name, (form, code) in forms.items():
        if form is not None:
            getattr(header, f"set_{name}")(np.diag([factor, factor, factor, 1.0]) @ form, code=code)
    return type(volume)(volume.dataobj, affine, header)


def read_mask(volume: SpatialImage, *, path: str | Path = "the mask") -> np.ndarray:
    """Label values of a mask, whole numbers; those that another tool has scaled, such as 1.0000153, are rounded.

    Args:
        volume: Of `open_volume`.
        path: Of the file, for the message.

    Raises:
        ValueError: A value is no whole number, within 0.001.
    """
    values = np.asanyarray(volume.dataobj)
    return whole_numbers(values, path=path) if values.dtype.kind == "f" else values


def whole_numbers(values: np.ndarray, *, path: str | Path = "the mask") -> np.ndarray:
    """`values` rounded; see `read_mask`."""
    rounded = np.rint(values)
    off = np.abs(values - rounded)
    if not off.max(initial=0) <= _WHOLE:  # NaN is no number either
        worst = float(values.flat[int(np.argmax(off))])
        raise ValueError(
            f"{path} holds {worst:.6g}, which is not a whole number: masks hold label values; resample masks with the "
            "nearest neighbour, and do not save probabilities as a mask"
        )
    return rounded.astype(np.int32)


def mask_like(values: np.ndarray, image: str | Path) -> nib.Nifti1Image:
    """A mask (H, W, D) in the place of the file `image`, whose geometry its header repeats field by field.

    Whatever another reader makes of the image's sform, qform, voxel sizes and units, it makes the same of the mask's.
    """
    source: Any = read_itk(image) if is_itk(image) else nib.load(image)
    mask = nib.Nifti1Image(values, source.affine)
    if isinstance(source, nib.Nifti1Image):
        for field in _GEOMETRY:
            mask.header[field] = source.header[field]
        # `save` writes the forms of the volume itself, so they are told to it, too
        mask = nib.Nifti1Image(values, None, mask.header)
    return mask


def same_place(affine: np.ndarray, other: np.ndarray, shape: Sequence[int]) -> bool:
    """Whether no corner of a volume is moved by a tenth of a voxel or more: tools round affines differently."""
    corners = np.array(np.meshgrid(*((0, n - 1) for n in shape), indexing="ij")).reshape(3, -1).T
    moved = apply_affine(affine, corners) - apply_affine(other, corners)
    return bool(np.abs(moved).max() < _MOVED * voxel_sizes(affine).min())


def says_size(volume: SpatialImage) -> bool:
    """Whether the header says how large voxels are; one without a form that has a code, and of 1 mm, says nothing."""
    if not isinstance(volume, nib.Nifti1Image):
        return True
    coded = any(form(coded=True)[1] for form in (volume.header.get_sform, volume.header.get_qform))
    return coded or any(size != 1 for size in volume.header.get_zooms()[:3])


def ambiguities(path: str | Path) -> list[str]:
    """What other readers take otherwise from the file at `path` than `open_volume`: sentences; none for a plain file.

    Readers and versions: see "How readers and scores differ" in the docs of the evaluation bundle.
    """
    volume = None if is_itk(path) else nib.load(path)
    if not isinstance(volume, nib.Nifti1Image):
        return []
    header = volume.header
    found = []
    sform, sform_code = header.get_sform(coded=True)
    qform, qform_code = header.get_qform(coded=True)
    shape = volume.shape[:3]
    if sform is None and qform is None:
        found.append(
            "neither sform nor qform has a code, so nothing says where the voxels lie: read as nibabel and MONAI do; "
            "SimpleITK swaps front and back"
        )
    elif sform is not None and qform is not None and not same_place(sform, qform, shape):
        found.append(
            f"sform (code {sform_code}) and qform (code {qform_code}) differ by up to "
            f"{np.abs(sform - qform).max():.3g}: read by the sform, as nibabel does; SimpleITK and TorchIO take the "
            "qform where the sform's code is above 1"
        )
    sizes = np.asarray(header.get_zooms()[:3], dtype=float)
    if sform is not None and not np.allclose(sizes, voxel_sizes(sform)):
        found.append(
            f"the header's voxel sizes are {sizes.round(4).tolist()}, those of the sform "
            f"{voxel_sizes(sform).round(4).tolist()}: read by the sform; MONAI takes the qform, SimpleITK these sizes"
        )
    if _units(volume) in _MILLIMETRES:
        found.append(
            f"lengths are in {_units(volume)}s: turned into mm, as by SimpleITK and TorchIO; nibabel and MONAI do not"
        )
    with volume.file_map["header" if "header" in volume.file_map else "image"].get_prepare_fileobj("rb") as file:
        stored = volume.header_class.from_fileobj(file, check=False)  # that of a loaded volume forgets the scaling
    slope, intercept = (float(stored[key]) for key in ("scl_slope", "scl_inter"))
    if slope == 0 and np.isfinite(intercept) and intercept != 0:
        found.append(
            f"the slope is 0 beside an intercept of {intercept:g}: values are read as stored, as by nibabel and MONAI; "
            f"SimpleITK adds {intercept:g}"
        )
    return found


def _units(volume: SpatialImage) -> str:
    get = getattr(volume.header, "get_xyzt_units", None)
    return get()[0] if get else "mm"
