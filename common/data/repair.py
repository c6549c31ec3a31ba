"""Mends pairs without resampling: a slice too many, a mask that is turned, a header that is read differently."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import SpatialImage

from ..files import replacing
from .check import Problem
from .volume_file import ambiguities, open_volume, same_place

_OF_GEOMETRY = {"shapes differ", "affines differ"}
_KEYS = ("image", "label")


def repair_entries(
    entries: Sequence[Mapping[str, Any]], problems: Sequence[Problem], *, directory: str | Path
) -> dict[str, dict[str, Any]]:
    """Mended entries, by case id, of the cases whose only problem is a mask beside the image's grid, or a header.

    See `repair_slices`, `turn_mask` and `rewrite_headers`. The files of `entries` stay as they are; new ones lie in
    ``images/`` and ``labels/`` of `directory`.
    """
    kinds = defaultdict(set)
    for problem in problems:
        kinds[problem.case_id].add(problem.kind)
    mended: dict[str, dict[str, Any]] = {}
    for entry in entries:
        found = kinds[entry["case_id"]]
        if found and (len(found) > 1 or not found <= _OF_GEOMETRY):
            continue
        fitting = (
            entry if not found else repair_slices(entry, directory=directory) or turn_mask(entry, directory=directory)
        )
        if fitting is not None and (fitting := rewrite_headers(fitting, directory=directory)) != entry:
            mended[entry["case_id"]] = dict(fitting)
    return mended


def repair_slices(entry: Mapping[str, Any], *, directory: str | Path, most: int = 1) -> dict[str, Any] | None:
    """Cut the longer of image and mask to the shorter one's slices, at the far end, into a new file (thesis 3.4.1).

    Done only where the affines agree and nothing but up to ``most`` slices of one axis differs: 512×512×91 and
    512×513×91.

    Returns:
        The entry with the path of the new file; None where the pair cannot be mended so.
    """
    volumes = {key: open_volume(entry[key]) for key in _KEYS}
    shapes = np.array([volume.shape for volume in volumes.values()])
    if shapes.shape != (2, 3):
        return None
    differences = np.abs(shapes[0] - shapes[1])
    one_axis = np.count_nonzero(differences) == 1 and differences.max() <= most
    shape = shapes.min(axis=0)
    if not one_axis or not same_place(volumes["image"].affine, volumes["label"].affine, shape):
        return None
    key = next(key for key, volume in volumes.items() if volume.shape != tuple(shape))
    cut = volumes[key].slicer[tuple(slice(int(n)) for n in shape)]
    return {**entry, key: _write(cut, entry, key, directory)}


def turn_mask(entry: Mapping[str, Any], *, directory: str | Path) -> dict[str, Any] | None:
    """Swap and flip the axes of a mask that lies on its image's grid otherwise, such as one that another tool wrote.

    Returns:
        The entry with the path of the new mask; None where its voxels are not the image's.
    """
    image, label = (open_volume(entry[key]) for key in _KEYS)
    turn = nib.orientations.ornt_transform(nib.io_orientation(label.affine), nib.io_orientation(image.affine))
    turned = label.as_reoriented(turn)
    if turned.shape != image.shape or not same_place(image.affine, turned.affine, image.shape):
        return None
    return {**entry, "label": _write(turned, entry, "label", directory)}


def rewrite_headers(entry: Mapping[str, Any], *, directory: str | Path) -> dict[str, Any]:
    """The entry with new files for those that readers take differently: voxels and place as they are read here."""
    odd = [key for key in _KEYS if ambiguities(entry[key])]
    return {**entry, **{key: _write(open_volume(entry[key]), entry, key, directory) for key in odd}}


def _write(volume: SpatialImage, entry: Mapping[str, Any], key: str, directory: str | Path) -> str:
    """Path of the volume as a NIfTI file that says its place twice alike, with the time of its source.

    By that time later runs know the file, and leave it as it is.
    """
    path = Path(directory) / f"{key}s" / f"{entry['case_id']}.nii.gz"
    source = Path(entry[key]).stat()
    made_before = path.is_file() and path.resolve() != Path(entry[key]).resolve()
    if made_before and path.stat().st_mtime_ns == source.st_mtime_ns:
        return str(path)
    values = np.asanyarray(volume.dataobj)
    if values.dtype.kind == "f" and np.array_equal(values, values.astype(np.int16)):
        values = values.astype(np.int16)  # scaled whole numbers need no scaling
    plain = nib.Nifti1Image(values.astype(np.float32) if values.dtype.kind == "f" else values, volume.affine)
    plain.header.set_xyzt_units("mm")
    plain.set_sform(volume.affine, code=1)
    plain.set_qform(volume.affine, code=1)
    if not same_place(plain.get_qform(), volume.affine, values.shape):  # a qform has no shears
        plain.set_qform(None, code=0)
    with replacing(path) as temporary:
        nib.save(plain, temporary)
        os.utime(temporary, ns=(source.st_atime_ns, source.st_mtime_ns))
    return str(path)
