"""Segments of a DICOM SEG file as voxels of the CT that it was drawn on; SimpleITK stacks them wrongly."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset

from .ct_series import CtSeries
from .fault import DicomFault

_BESIDE = 0.1  # of a voxel
_REMEDY = "have it exported as a binary SEG on the grid of this series, or as RTSTRUCT"


class Segmentation:
    """See `StructureFile`.

    Raises:
        DicomFault: The file cannot be read, or holds probabilities.
    """

    kind = "SEG"
    drawn: frozenset[str] = frozenset()

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            data = dcmread(path, defer_size="1 MB")
            self._of_number = {
                int(item.SegmentNumber): str(item.get("SegmentLabel") or "").strip() for item in data.SegmentSequence
            }
            self._shared = (
                data.SharedFunctionalGroupsSequence[0] if "SharedFunctionalGroupsSequence" in data else Dataset()
            )
            self._frames = list(data.PerFrameFunctionalGroupsSequence)
            self._type = str(data.SegmentationType).upper()
            self._grid = int(data.Rows), int(data.Columns)
            self.series = frozenset(str(item.SeriesInstanceUID) for item in data.get("ReferencedSeriesSequence") or [])
            self.instances = frozenset(
                str(image.ReferencedSOPInstanceUID)
                for item in data.get("ReferencedSeriesSequence") or []
                for image in item.get("ReferencedInstanceSequence") or []
            )
            self.frames = frozenset([str(data.get("FrameOfReferenceUID") or "")]) - {""}
            self._numbers = [self._number(frame) for frame in self._frames]
        except (OSError, EOFError, ValueError, AttributeError, TypeError, KeyError, IndexError) as error:
            found = f"{type(error).__name__}: {error}".splitlines()[0][:100]
            raise DicomFault("unreadable file", path, found=found, expected="a whole SEG", remedy=_REMEDY) from error
        counts = Counter(self._of_number.get(number, "") for number in self._numbers)
        labelmap = self._type == "LABELMAP"
        self.counts: Mapping[str, int] = {
            name: len(self._frames) if labelmap else counts[name] for name in self._of_number.values()
        }

    def _number(self, frame: Dataset) -> int:
        """Of the segment that a frame shows; 0 where frames show labels of all."""
        for groups in (frame, self._shared):
            if "SegmentIdentificationSequence" in groups:
                return int(groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        return 0

    def mask(self, name: str, series: CtSeries) -> np.ndarray:
        """See `StructureFile`."""
        if self._type not in ("BINARY", "LABELMAP"):
            self._refuse("probabilities", f"a SEG of the type {self._type}", "BINARY or LABELMAP")
        if self._grid != series.shape[1:]:
            self._refuse("another grid", f"{self._grid} rows and columns", f"{series.shape[1:]}, those of its CT")
        wanted = [number for number, label in self._of_number.items() if label == name]
        frames = np.reshape(dcmread(self.path).pixel_array, (-1, *self._grid))
        if len(frames) != len(self._frames):
            self._refuse("unreadable file", f"{len(frames)} frames", f"{len(self._frames)}, as its header says")
        mask = np.zeros(series.shape, bool)
        to_voxels = np.linalg.inv(series.affine)
        for groups, number, pixels in zip(self._frames, self._numbers, frames, strict=True):
            if self._type == "LABELMAP" or number in wanted:
                shown = np.isin(pixels, wanted) if self._type == "LABELMAP" else pixels > 0
                if shown.any():
                    mask[self._slice(groups, to_voxels, series)] |= shown
        return mask

    def _slice(self, groups: Dataset, to_voxels: np.ndarray, series: CtSeries) -> int:
        """Number of the slice of the CT that a frame lies on."""
        position = np.array(self._group(groups, "PlanePositionSequence").ImagePositionPatient, dtype=float)
        orientation = np.array(self._group(groups, "PlaneOrientationSequence").ImageOrientationPatient, dtype=float)
        spacing = np.array(self._group(groups, "PixelMeasuresSequence").PixelSpacing, dtype=float)
        place = to_voxels @ [*position, 1]
        number = round(float(place[2]))
        axes = np.column_stack([orientation[:3] * spacing[1], orientation[3:] * spacing[0]])
        strayed = np.abs(axes - series.affine[:3, :2]) * (np.array(self._grid[::-1]) - 1) / spacing.min()
        beside = max(float(np.abs(place[:3] - [0, 0, number]).max()), float(strayed.max()))
        if beside > _BESIDE or not 0 <= number < series.shape[0]:
            self._refuse(
                "another grid",
                f"a frame at {np.round(place[:3], 2).tolist()} voxels of the CT, or turned or scaled against it",
                "frames on its slices",
            )
        return number

    def _group(self, frame: Dataset, name: str) -> Any:
        return (frame if name in frame else self._shared)[name].value[0]

    def _refuse(self, kind: str, found: str, expected: str) -> None:
        raise DicomFault(kind, self.path, found=found, expected=expected, remedy=_REMEDY)
