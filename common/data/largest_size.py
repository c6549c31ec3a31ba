"""The grid that holds every case after zooming: what smaller ones are padded to."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import nibabel as nib
import numpy as np

from .volume_file import open_volume


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
