"""The grid that holds every case after zooming: what smaller ones are padded to."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.affines import voxel_sizes

from .volume_file import open_volume

_USUAL = 0.1  # mm³ of a voxel: 0.4 × 0.4 × 0.6 mm and more
_MOST = 2**30  # voxels of a resampled volume


def largest_size(entries: Sequence[Mapping[str, Any]], *, zoom: float | Sequence[float]) -> tuple[int, int, int]:
    """Largest size along each RAS axis of the images of `entries`, zoomed, from their headers alone (thesis 3.4.1).

    For `ResizeWithPadOrCropd(spatial_size=…, value=-1)` after `Orientationd(axcodes="RAS")`, `Zoomd(zoom,
    keep_size=False)` and `HUWindowd`. Each size is rounded down, as `Zoomd` does; scipy's `zoom`, the thesis's, rounds
    to the nearest: 512 · 0.3 is 153 here and 154 there, while 154 / 512 gives 154 in both. The thesis pads its images
    with 0 before they are scaled, which is water in HU and a grey frame; -1 after scaling is air, and background in
    masks. A mask has the size of its image in every case that passed the check, so that both share the result.

    Args:
        entries: With absolute paths, as `resolve_cases` returns them.
        zoom: Size after / before, over 0 (thesis 0.5, 0.8, 0.97); one for all axes or one for each.

    Raises:
        ValueError: no entries, a zoom that is not over 0, an image that has not 3 axes, or one that vanishes.
    """
    factors = np.broadcast_to(np.asarray(zoom, dtype=float), 3).tolist()
    if not entries or min(factors) <= 0:
        raise ValueError(f"largest size: expected cases and a zoom over 0, got {len(entries)} cases and zoom {zoom}")
    sizes = np.array([_zoomed(str(entry["image"]), factors) for entry in entries])
    return tuple(sizes.max(axis=0).tolist())


def _zoomed(path: str, factors: Sequence[float]) -> list[int]:
    volume = open_volume(path)
    if len(volume.shape) != 3:
        raise ValueError(f"{path} has shape {volume.shape}, expected 3 axes: save one 3D volume a file")
    to_ras = nib.io_orientation(volume.affine)[:, 0].astype(int)  # RAS axis of each stored one
    size = np.empty(3, dtype=int)
    size[to_ras] = volume.shape
    zoomed = [math.floor(n * factor) for n, factor in zip(size.tolist(), factors, strict=True)]
    if min(zoomed) < 1:
        raise ValueError(f"{path} of {tuple(size.tolist())} voxels is {tuple(zoomed)} after zoom {factors}: zoom less")
    return zoomed


def require_few_voxels(spacing: Sequence[float] | None, entries: Sequence[Mapping[str, Any]]) -> None:
    """Refuse to resample to voxels so small that a volume would fill any memory; headers are read for tiny ones alone.

    Args:
        spacing: In mm, (3,); None keeps each case's own.
        entries: With absolute paths.

    Raises:
        ValueError: A volume would have more than 2^30 voxels, 4 GiB.
    """
    if spacing is None or math.prod(spacing) >= _USUAL:
        return
    for entry in entries:
        image = Path(entry["image"])
        if not image.is_file():
            continue  # the check of files says so
        volume = open_volume(image)
        count = math.prod(float(size) for size in voxel_sizes(volume.affine) * volume.shape[:3]) / math.prod(spacing)
        if count > _MOST:
            raise ValueError(
                f"spacing is {list(spacing)} mm, and {image} has {count:.3g} voxels of that size, expected at most "
                f"{_MOST:.3g}: set a larger --spacing"
            )
