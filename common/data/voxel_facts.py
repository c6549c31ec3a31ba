"""What a check must know of a volume's voxels, gathered from a few slices at a time."""

import gzip
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.arrayproxy import ArrayProxy
from nibabel.volumeutils import apply_read_scaling

Range = tuple[float, float]
_SLAB = 4 << 20  # bytes at a time: they stay in the processor's cache


class ImageFacts:
    """Of an image.

    Args:
        ranges: Of values, by name, both ends included.

    Attributes:
        infinite: Voxels that are NaN or infinite; where there are any, the rest is not known.
        low, high: Smallest and largest value.
        shares: Of the voxels within each of the ranges.
    """

    def __init__(self, ranges: Mapping[str, Range]) -> None:
        self.ranges = dict(ranges)
        self.voxels = self.infinite = 0
        self.low, self.high = float("inf"), float("-inf")
        self._within = dict.fromkeys(self.ranges, 0)

    def add(self, slab: np.ndarray) -> None:
        """Take in some slices."""
        self.voxels += slab.size
        if slab.dtype.kind == "f" and (infinite := slab.size - int(np.count_nonzero(np.isfinite(slab)))):
            self.infinite += infinite
            return
        self.low, self.high = min(self.low, float(slab.min())), max(self.high, float(slab.max()))
        for name, (low, high) in self.ranges.items():
            if slab.dtype.kind in "iu":  # beside a float, NumPy would make floats of all voxels
                low, high = int(np.ceil(low)), int(np.floor(high))
            self._within[name] += int(np.count_nonzero((slab >= low) & (slab <= high)))

    @property
    def shares(self) -> dict[str, float]:
        """By the names of the ranges."""
        return {name: count / self.voxels for name, count in self._within.items()}


class MaskFacts:
    """Of a mask.

    Attributes:
        values: Whole numbers that it holds, those of floats rounded.
        farthest: Of each slab of floats the value that is farthest from a whole number, or NaN.
    """

    def __init__(self) -> None:
        self.values: set[int] = set()
        self.farthest: list[float] = []

    def add(self, slab: np.ndarray) -> None:
        """Take in some slices."""
        if slab.dtype.kind == "f":
            rounded = np.rint(slab)
            self.farthest.append(float(slab.flat[int(np.argmax(np.abs(slab - rounded)))]))
            if not np.isfinite(rounded).all():
                return
            slab = rounded
        low, high = slab.min(), slab.max()  # most slices of a mask are empty
        self.values |= {int(value) for value in ([low] if low == high else np.unique(slab))}


def read_slabs(path: Path, volume: Any) -> Iterator[np.ndarray]:
    """The voxels of a file, scaled, some slices of the last axis at a time; all of it is read.

    Only at its end gzip's checksum tells a damaged file.

    Args:
        path: Of the file.
        volume: What `open_volume` gave for it.

    Raises:
        OSError, EOFError, zlib.error: The file is damaged, or ends early.
    """
    voxels = volume.dataobj
    if not isinstance(voxels, ArrayProxy):
        yield from _parts(np.asanyarray(voxels))
        return
    slope, inter = np.asanyarray(voxels.slope), np.asanyarray(voxels.inter)
    slice_bytes = int(np.prod(voxels.shape[:-1], dtype=object)) * voxels.dtype.itemsize
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
        file.seek(voxels.offset)
        for start in range(0, voxels.shape[-1], step := _step(slice_bytes)):
            count = min(step, voxels.shape[-1] - start)
            block = file.read(count * slice_bytes)
            if len(block) < count * slice_bytes:
                raise OSError(f"{voxels.shape[-1]} slices expected, the file ends in slice {start} to {start + count}")
            slab = np.frombuffer(block, voxels.dtype).reshape((*voxels.shape[:-1], count), order="F")
            yield apply_read_scaling(slab, slope, inter)
        while file.read(_SLAB):
            pass


def _parts(array: np.ndarray) -> Iterator[np.ndarray]:
    step = _step(array[..., :1].nbytes)
    yield from (array[..., start : start + step] for start in range(0, array.shape[-1], step))


def _step(slice_bytes: int) -> int:
    return max(1, _SLAB // max(1, slice_bytes))
