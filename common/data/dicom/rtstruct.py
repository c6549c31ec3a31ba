"""Structures of an RTSTRUCT file, whose closed contours become voxels.

A voxel belongs to a structure if its centre lies inside a contour or on it; contours of one slice are combined by
exclusive or, so that one within another is a hole. scikit-image tells inside from outside. On the public masks that
`tests/benchmarks/contour_readers.py` compares with, this is the publisher's own reading, voxel for voxel.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from skimage.measure import grid_points_in_poly

from .ct_series import CtSeries
from .fault import DicomFault

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "CLOSED_PLANAR_XOR")
_BESIDE = 0.1  # of a slice: files round positions
_DRAW = "have the planning system interpolate or redraw it on the slices of this series, or leave the case out"


class RtStruct:
    """See `StructureFile`.

    Raises:
        DicomFault: The file cannot be read, or has no structures.
    """

    kind = "RTSTRUCT"

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._data = dcmread(path)
            names = {
                int(item.ROINumber): str(item.get("ROIName") or "").strip() for item in self._of("StructureSetROI")
            }
            self._contours: dict[str, list[Dataset]] = {name: [] for name in names.values()}
            for item in self._of("ROIContour"):
                self._contours[names[int(item.ReferencedROINumber)]] += item.get("ContourSequence") or []
            self.series, self.instances, self.frames = self._references()
        except (OSError, EOFError, ValueError, AttributeError, TypeError, KeyError) as error:
            found = f"{type(error).__name__}: {error}".splitlines()[0][:100]
            remedy = "export the structure set again, or move it away"
            raise DicomFault(
                "unreadable file", path, found=found, expected="a whole RTSTRUCT", remedy=remedy
            ) from error
        self.counts: Mapping[str, int] = {name: len(contours) for name, contours in self._contours.items()}

    def _of(self, name: str) -> Sequence[Dataset]:
        return self._data.get(f"{name}Sequence") or []

    def _references(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """UIDs of series, images and frames of reference."""
        found: dict[str, set[str]] = defaultdict(set)
        for item in _walk(self._data):
            for tag in ("SeriesInstanceUID", "ReferencedSOPInstanceUID", "FrameOfReferenceUID"):
                found[tag] |= {str(item[tag].value)} if tag in item else set()
            frame = item.get("ReferencedFrameOfReferenceUID")
            found["FrameOfReferenceUID"] |= {str(frame)} if frame else set()
        return (
            frozenset(found["SeriesInstanceUID"]),
            frozenset(found["ReferencedSOPInstanceUID"]),
            frozenset(found["FrameOfReferenceUID"]),
        )

    def mask(self, name: str, series: CtSeries) -> np.ndarray:
        """See `StructureFile`."""
        mask = np.zeros(series.shape, bool)
        to_voxels = np.linalg.inv(series.affine)
        for contour in self._contours[name]:
            number, points = self._on_slice(contour, to_voxels, name=name, count=len(mask))
            _toggle(mask[number], points[:, ::-1])
        drawn = np.flatnonzero(mask.any(axis=(1, 2)))
        if self.counts[name] and not drawn.size:
            self._refuse(
                "structure without a voxel",
                f"{self.counts[name]} contours of '{name}' that hold no centre of a voxel inside the image",
                "contours around at least one",
            )
        steps = np.diff(drawn)
        if len(drawn) > 2 and steps.min() == steps.max() > 1:
            self._refuse(
                "contours between slices",
                f"'{name}' drawn on every {steps[0]}th slice only",
                "a contour on each slice of the structure",
            )
        return mask

    def _on_slice(self, contour: Dataset, to_voxels: np.ndarray, *, name: str, count: int) -> tuple[int, np.ndarray]:
        """Number of the slice of a contour, and its points (n, 2) as columns and rows."""
        if (kind := str(contour.get("ContourGeometricType"))) not in _CLOSED:
            self._refuse("open contours", f"a contour of '{name}' of the type {kind}", "closed, planar ones")
        numbers = np.array(contour.get("ContourData") or [], dtype=float)
        if numbers.size < 3 or numbers.size % 3 or not np.isfinite(numbers).all():
            self._refuse(
                "unreadable contour", f"a contour of '{name}' of {numbers.size} numbers", "three for each point"
            )
        points = np.c_[numbers.reshape(-1, 3), np.ones(numbers.size // 3)] @ to_voxels.T
        height = float(points[:, 2].mean())
        if np.abs(points[:, 2] - height).max() > _BESIDE:
            self._refuse("contours across slices", f"a contour of '{name}' that leaves its slice", "one slice each")
        number = round(height)
        if not 0 <= number < count:
            self._refuse(
                "contours beside the CT",
                f"a contour of '{name}' {abs(height - np.clip(height, 0, count - 1)):.3g} slices beyond the CT",
                f"contours on its {count} slices",
            )
        if abs(height - number) > _BESIDE:
            self._refuse(
                "contours between slices",
                f"a contour of '{name}' {abs(height - number):.2g} of a slice beside the next one",
                "contours on slices",
            )
        return number, points[:, :2]

    def _refuse(self, kind: str, found: str, expected: str) -> None:
        raise DicomFault(kind, self.path, found=found, expected=expected, remedy=_DRAW)


def _walk(data: Dataset) -> Iterator[Dataset]:
    """The sequences that may name images, and all below them; the file's own series is none of them."""
    for tag in ("ReferencedFrameOfReferenceSequence", "StructureSetROISequence", "ROIContourSequence"):
        todo: list[Any] = list(data.get(tag) or [])
        while todo:
            item = todo.pop()
            yield item
            todo += [child for element in item if element.VR == "SQ" for child in element.value]


def _toggle(plane: np.ndarray, points: np.ndarray) -> None:
    """Exclusive or of a slice (rows, columns) with a contour of points (n, 2), rows and columns."""
    low = np.maximum(np.floor(points.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + 1, plane.shape)
    if (high > low).all():
        box = plane[low[0] : high[0], low[1] : high[1]]
        box ^= grid_points_in_poly(box.shape, points - low)
