"""Mends pairs whose image and mask differ by a slice at the end (thesis 3.4.1: 512×512×91 and 512×513×91)."""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from ..files import replacing
from .check import Problem, same_place
from .volume_file import open_volume


def repair_entries(
    entries: Sequence[Mapping[str, Any]], problems: Sequence[Problem], *, directory: str | Path
) -> dict[str, dict[str, Any]]:
    """Mended entries, by case id, of those cases whose only problem is that the shapes differ; see `repair_slices`."""
    kinds = defaultdict(set)
    for problem in problems:
        kinds[problem.case_id].add(problem.kind)
    differ = [entry for entry in entries if kinds[entry["case_id"]] == {"shapes differ"}]
    mended = {entry["case_id"]: repair_slices(entry, directory=directory) for entry in differ}
    return {case_id: entry for case_id, entry in mended.items() if entry is not None}


def repair_slices(entry: Mapping[str, Any], *, directory: str | Path, most: int = 1) -> dict[str, Any] | None:
    """Cut the longer of image and mask to the shorter one's slices, at the far end, into a new file.

    Done only where the affines agree and nothing but up to ``most`` slices of one axis differs. The files of ``entry``
    stay as they are; the new one is ``images/<case_id>.nii.gz`` or ``labels/…`` in ``directory``, with the time of its
    source, by which later runs know it.

    Returns:
        The entry with the path of the new file; None where the pair cannot be mended so.
    """
    volumes = {key: open_volume(entry[key]) for key in ("image", "label")}
    shapes = np.array([volume.shape for volume in volumes.values()])
    differences = np.abs(shapes[0] - shapes[1])
    one_axis = np.count_nonzero(differences) == 1 and differences.max() <= most
    shape = shapes.min(axis=0)
    if not one_axis or not same_place(volumes["image"].affine, volumes["label"].affine, shape):
        return None
    key = next(key for key, volume in volumes.items() if volume.shape != tuple(shape))
    path = Path(directory) / f"{key}s" / f"{entry['case_id']}.nii.gz"
    source = Path(entry[key]).stat()
    if not path.is_file() or path.stat().st_mtime_ns != source.st_mtime_ns:
        with replacing(path) as temporary:
            nib.save(volumes[key].slicer[tuple(slice(int(n)) for n in shape)], temporary)
            os.utime(temporary, ns=(source.st_atime_ns, source.st_mtime_ns))
    return {**entry, key: str(path)}
