"""Structures of an RTSTRUCT file, whose closed contours become voxels.

A voxel belongs to a structure if its centre lies inside a contour or on it; a contour within another one is a hole
(exclusive or). A contour that is written twice counts once, and contours that cross are refused: nothing says whether
what both hold is inside. scikit-image tells inside from outside. On the public masks that
`tests/benchmarks/contour_readers.py` compares with, this is the publisher's own reading, voxel for voxel.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
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
_EXPORT = "export the structure set again, or move it away"
_DRAW = "have the planning system interpolate or redraw it on the slices of this series, or leave the case out"


class RtStruct:
    """See `StructureFile`.

    Raises:
        DicomFault: The file cannot be read, or its contours cannot be told to structures.
    """

    kind = "RTSTRUCT"

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._data = dcmread(path)
            self._contours = self._contours_by_name()
            self.drawn = frozenset(
                str(item.ReferencedSOPInstanceUID)
                for item in _walk(self._data, "ROIContourSequence")
                if "ReferencedSOPInstanceUID" in item
            )
            self.series, self.instances, self.frames = self._references()
        except DicomFault:
            raise
        except (OSError, EOFError, ValueError, AttributeError, TypeError, KeyError) as error:
            found = f"{type(error).__name__}: {error}".splitlines()[0][:100]
            raise DicomFault(
                "unreadable file", path, found=found, expected="a whole RTSTRUCT", remedy=_EXPORT
            ) from error
        self.counts: Mapping[str, int] = {name: sum(map(len, rois)) for name, rois in self._contours.items()}

    def _of(self, name: str) -> Sequence[Dataset]:
        return self._data.get(f"{name}Sequence") or []

    def _contours_by_name(self) -> dict[str, list[list[Dataset]]]:
        """Contours of each structure by its name, which several structures may share."""
        rois = [(int(item.ROINumber), str(item.get("ROIName") or "").strip()) for item in self._of("StructureSetROI")]
        contours: dict[int, list[Dataset]] = {number: [] for number, _ in rois}
        twice = [number for number, count in Counter(number for number, _ in rois).items() if count > 1]
        strange = {int(item.ReferencedROINumber) for item in self._of("ROIContour")} - contours.keys()
        if twice or strange:
            what = f"two structures of the number {twice[0]}" if twice else f"contours of a structure {min(strange)}"
            raise DicomFault(
                *("contours of no structure", self.path),
                found=what + ("" if twice else ", which is not listed"),
                expected="a number for each structure, and structures for all contours",
                remedy=_EXPORT,
            )
        for item in self._of("ROIContour"):
            contours[int(item.ReferencedROINumber)] += item.get("ContourSequence") or []
        found: dict[str, list[list[Dataset]]] = {}
        for number, name in rois:
            found.setdefault(name, []).append(contours[number])
        return found

    def _references(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """UIDs of series, images and frames of reference."""
        found: dict[str, set[str]] = defaultdict(set)
        for item in _walk(self._data, "ReferencedFrameOfReferenceSequence", "StructureSetROISequence"):
            for tag in ("SeriesInstanceUID", "ReferencedSOPInstanceUID", "FrameOfReferenceUID"):
                found[tag] |= {str(item[tag].value)} if tag in item else set()
            frame = item.get("ReferencedFrameOfReferenceUID")
            found["FrameOfReferenceUID"] |= {str(frame)} if frame else set()
        return (
            frozenset(found["SeriesInstanceUID"]),
            self.drawn | found["ReferencedSOPInstanceUID"],
            frozenset(found["FrameOfReferenceUID"]),
        )

    def mask(self, name: str, series: CtSeries) -> np.ndarray:
        """See `StructureFile`."""
        mask = np.zeros(series.shape, bool)
        to_voxels = np.linalg.inv(series.affine)
        for contours in self._contours[name]:
            outlines: dict[int, dict[bytes, tuple[np.ndarray, bool]]] = defaultdict(dict)
            for contour in contours:
                number, points = self._on_slice(contour, to_voxels, name=name, count=len(mask))
                may_cross = str(contour.ContourGeometricType) != "CLOSED_PLANAR"
                outlines[number].setdefault(_corners(points), (points[:, ::-1], may_cross))
            for number, different in outlines.items():
                mask[number] |= self._filled([*different.values()], mask.shape[1:], where=f"'{name}' on slice {number}")
        drawn = np.flatnonzero(mask.any(axis=(1, 2)))
        if self.counts[name] and not drawn.size:
            self._refuse(
                "structure without a voxel",
                f"{self.counts[name]} contours of '{name}' that hold no centre of a voxel inside the image",
                "contours around at least one",
            )
        steps = np.diff(drawn)
        usual = int(np.median(steps)) if len(drawn) > 2 else 1
        if usual > 1 and (steps == usual).mean() > 0.5:
            self._refuse(
                "contours between slices",
                f"'{name}' drawn on every {usual}th slice only",
                "a contour on each slice of the structure",
            )
        return mask

    def _filled(self, outlines: Sequence[tuple[np.ndarray, bool]], shape: tuple[int, ...], *, where: str) -> np.ndarray:
        """Exclusive or of outlines (n, 2), rows and columns, of a structure on one slice, some of which may cross."""
        held = [_places(shape, points) > 0 for points, _ in outlines]
        filled = np.logical_xor.reduce(held)
        if np.sum(held, axis=0).max() < 2:
            return filled
        places = [_places(shape, np.round(points, 3)) for points, _ in outlines]  # so that what lies on a line is seen
        for one, other in combinations(range(len(places)), 2):
            both = (places[one] > 0) & (places[other] > 0)
            crossed = int(((places[one] == 1) & (places[other] == 1)).sum())
            nested = not ((places[one] == 1) & ~both).any() or not ((places[other] == 1) & ~both).any()
            if nested or outlines[one][1] or outlines[other][1]:
                continue
            if crossed:
                self._refuse(
                    "contours that cross",
                    f"two contours of {where} with {crossed} voxels in both, and others in each alone",
                    "contours apart, or one within the other",
                )
            filled |= both  # a line that two islands share belongs to each of them
        return filled

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


def _walk(data: Dataset, *sequences: str) -> Iterator[Dataset]:
    """The items of sequences, and all below them."""
    for tag in sequences:
        todo: list[Any] = list(data.get(tag) or [])
        while todo:
            item = todo.pop()
            yield item
            todo += [child for element in item if element.VR == "SQ" for child in element.value]


def _corners(points: np.ndarray) -> bytes:
    """What is the same for the same corners, in either direction and from any beginning."""
    rounded = np.round(points, 4) + 0.0
    return rounded[np.lexsort(rounded.T)].tobytes()


def _places(shape: tuple[int, ...], points: np.ndarray) -> np.ndarray:
    """Of the voxels of a slice, as to a contour of points (n, 2), rows and columns: 0 outside, 1 inside, else on it."""
    plane = np.zeros(shape, np.uint8)
    low = np.maximum(np.floor(points.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + 1, shape)
    if (high > low).all():
        box = plane[low[0] : high[0], low[1] : high[1]]
        box[:] = grid_points_in_poly(box.shape, points - low, binarize=False)
    return plane
