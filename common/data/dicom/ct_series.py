"""A CT series as a volume in HU: slices by their place, and all that keeps them from being one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from filecmp import cmp
from pathlib import Path

import numpy as np
from pydicom import dcmread

from .fault import DicomFault
from .files import Header

_MOVED = 0.1  # of a voxel; as for NIfTI, see common.data.volume_file
_TURNED = 1e-3  # of direction cosines, which are written with six digits or fewer
_EXPORT = "export the series again from the archive, whole, or leave the case out"


@dataclass(frozen=True)
class CtSeries:
    """Slices in the order of their place.

    Attributes:
        headers: Of the slices, the first at the lowest place along the normal of the slices.
        affine: Voxels (column, row, slice) to mm, in DICOM's axes: left, posterior, superior (4, 4).
    """

    headers: list[Header]
    affine: np.ndarray = field(repr=False)

    @classmethod
    def of(cls, headers: Sequence[Header]) -> "CtSeries":
        """The volume of the headers of one series, in any order; localizers in it are left out, copies counted once.

        Raises:
            DicomFault: They are no volume: several frames a file, slices of several sizes or directions, missing,
                doubled or unevenly spaced ones, a tilted gantry, no position, no HU; or copies are none.
        """
        _require_single(headers)
        slices = _without_copies([header for header in headers if "LOCALIZER" not in header.image_type])
        _require_plain(headers, slices)
        first = slices[0]
        across, down = np.reshape(np.asarray(first.orientation), (2, 3))
        normal = np.cross(across, down)
        slices.sort(key=lambda header: float(np.dot(np.asarray(header.position), normal)))
        positions = np.array([header.position for header in slices])
        heights = positions @ normal
        _require_heights(slices, heights)
        step = (positions[-1] - positions[0]) / (len(slices) - 1)
        _require_straight(slices, step, normal)
        rows, columns = first.spacing or (1.0, 1.0)
        affine = np.eye(4)
        affine[:3] = np.column_stack([across * columns, down * rows, step, positions[0]])
        strayed = np.abs(positions - positions[0] - np.outer(np.arange(len(slices)), step)).max(axis=1)
        if strayed.max() >= _MOVED * min(rows, columns, float(np.linalg.norm(step))):
            worst = int(strayed.argmax())
            raise DicomFault(
                *("slices out of line", slices[worst].path),
                found=f"a slice {strayed[worst]:.2g} mm beside the line of the others",
                expected="slices above each other",
                remedy=_EXPORT,
            )
        return cls(slices, affine)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        return len(self.headers), *self.headers[0].size

    @property
    def folder(self) -> Path:
        """That the first of its files lies in."""
        return self.headers[0].path.parent

    def read(self) -> np.ndarray:
        """HU (slices, rows, columns), each slice by its own slope and intercept; int16 where they are whole and fit.

        Raises:
            DicomFault: Pixels cannot be decoded.
        """
        values = np.empty(self.shape, np.float32)
        for number, header in enumerate(self.headers):
            slope, intercept = header.rescale or (1.0, 0.0)
            values[number] = _pixels(header) * slope + intercept
        whole = np.array_equal(values, np.rint(values)) and np.abs(values).max() <= np.iinfo(np.int16).max
        return values.astype(np.int16) if whole else values


def _pixels(header: Header) -> np.ndarray:
    try:
        pixels = dcmread(header.path).pixel_array
    except Exception as error:  # decoders raise what they like
        raise DicomFault(
            *("unreadable pixels", header.path),
            found=f"{type(error).__name__}: {error}".splitlines()[0][:100],
            expected="pixels that pydicom decodes",
            remedy="install the decoders (pip install -r requirements-clinic.txt), or have it exported uncompressed",
        ) from error
    if pixels.shape != header.size:
        raise DicomFault(
            *("unreadable pixels", header.path),
            found=f"pixels of the shape {pixels.shape}",
            expected=f"one grey image of {header.size}",
            remedy=_EXPORT,
        )
    return pixels.astype(np.float64)


def _require_single(headers: Sequence[Header]) -> None:
    """Refuse files of several frames, and of several patients."""
    for header in headers:
        if header.patient != headers[0].patient:
            found = "two patient ids in one series"
            raise DicomFault("several patients", header.path, found=found, expected="one", remedy=_EXPORT)
        if header.frames > 1 or "Enhanced" in header.sop_class.name:
            raise DicomFault(
                *("multi-frame CT", header.path),
                found=f"{header.frames} frames in one file ({header.sop_class.name})",
                expected="one slice a file (CT Image Storage)",
                remedy="have it exported as single frames, or convert it (dcm4che's emf2sf)",
            )


def _without_copies(headers: Sequence[Header]) -> list[Header]:
    """The first of all files of one image.

    Raises:
        DicomFault: Files of one UID hold different images.
    """
    kept: dict[str, Header] = {}
    for header in headers:
        first = kept.setdefault(header.instance, header)
        if first is not header and not _same_image(first, header):
            raise DicomFault(
                *("different images of one UID", header.path),
                found=f"another place or other values than in {first.path}",
                expected="an image for each SOPInstanceUID; copies are read once",
                remedy="move the files away that are not wanted, or export the series again from the archive",
            )
    return [*kept.values()]


def _same_image(one: Header, other: Header) -> bool:
    if cmp(one.path, other.path, shallow=False):
        return True
    facts = [(h.size, h.position, h.orientation, h.spacing, h.rescale, h.units) for h in (one, other)]
    return facts[0] == facts[1] and np.array_equal(_pixels(one), _pixels(other))


def _require_plain(headers: Sequence[Header], slices: Sequence[Header]) -> None:
    """Refuse what cannot be stacked at all."""
    if len(slices) < 2:
        scouts = sum("LOCALIZER" in header.image_type for header in headers)
        found = f"{len(slices)} slices" + (f" beside {scouts} localizers" if scouts else "")
        raise DicomFault("no volume", headers[0].path, found=found, expected="at least 2", remedy="leave the case out")
    first = slices[0]
    for header in slices:
        wrong = _lacking(header) or _unlike(header, first)
        if wrong:
            raise DicomFault(wrong[0], header.path, found=wrong[1], expected=wrong[2], remedy=_EXPORT)


def _lacking(header: Header) -> tuple[str, str, str] | None:
    """Kind, what was found, and what was expected, of a slice that does not say enough."""
    if header.position is None or header.orientation is None or header.spacing is None:
        return "no place", "no position, orientation or pixel spacing", "all three in each slice"
    if min(header.spacing) <= 0 or not all(np.isfinite([*header.position, *header.orientation, *header.spacing])):
        return "no place", f"a pixel spacing of {header.spacing}", "finite numbers, spacing above 0"
    if header.rescale is None or not np.isfinite(header.rescale).all():
        return "not HU", "no rescale slope and intercept", "both, so that values are HU"
    if header.units not in ("", "HU"):
        return "not HU", f"values in {header.units!r} (RescaleType)", "HU"
    return None


def _unlike(header: Header, first: Header) -> tuple[str, str, str] | None:
    """The same, of a slice that is not of the kind of the first one."""
    if header.size != first.size:
        return "slices of several kinds", f"rows and columns {header.size} and {first.size}", "one size"
    if not np.allclose(np.asarray(header.spacing), np.asarray(first.spacing), atol=_TURNED):
        return "slices of several kinds", f"pixel spacings {header.spacing} and {first.spacing}", "one spacing"
    if not np.allclose(np.asarray(header.orientation), np.asarray(first.orientation), atol=_TURNED):
        return "slices of several kinds", f"orientations {header.orientation} and {first.orientation}", "one"
    return None


def _require_heights(slices: Sequence[Header], heights: np.ndarray) -> None:
    """Refuse doubled, missing and unevenly spaced slices."""
    gaps = np.diff(heights)
    usual = float(np.median(gaps))
    if (twice := np.flatnonzero(gaps < max(_MOVED * usual, 1e-3))).size:
        one, other = slices[twice[0]], slices[twice[0] + 1]
        raise DicomFault(
            *("doubled slices", other.path),
            found=f"{twice.size} places with two slices, the first at {heights[twice[0]]:g} mm, beside {one.path.name}",
            expected="one slice at each place",
            remedy="export each phase or reconstruction as a series of its own, or move one of them away",
        )
    multiples = gaps / usual
    if (wide := np.flatnonzero(multiples > 1.5)).size and np.abs(multiples - np.rint(multiples)).max() < _MOVED:
        lost = int(np.rint(multiples[wide]).sum() - wide.size)
        raise DicomFault(
            *("missing slices", slices[wide[0]].path),
            found=f"{lost} missing, the first after {heights[wide[0]]:g} mm, where slices are {usual:g} mm apart",
            expected="a slice at each place",
            remedy=_EXPORT,
        )
    even = heights[0] + np.arange(len(heights)) * (heights[-1] - heights[0]) / (len(heights) - 1)
    if np.abs(heights - even).max() >= _MOVED * usual:
        raise DicomFault(
            *("uneven spacing", slices[int(np.abs(gaps - usual).argmax())].path),
            found=f"slices {gaps.min():g} to {gaps.max():g} mm apart",
            expected="one distance, as in a NIfTI file",
            remedy="take a reconstruction with even spacing, or leave the case out",
        )


def _require_straight(slices: Sequence[Header], step: np.ndarray, normal: np.ndarray) -> None:
    """Refuse a stack that leans, unless its end is moved by less than a tenth of a voxel."""
    lean = step - np.dot(step, normal) * normal
    if float(np.linalg.norm(lean)) * (len(slices) - 1) < _MOVED * min(slices[0].spacing or (1.0,)):
        return
    angle = float(np.degrees(np.arctan2(np.linalg.norm(lean), np.dot(step, normal))))
    raise DicomFault(
        *("tilted gantry", slices[0].path),
        found=f"slices that climb at {angle:.1f}° to their normal",
        expected="slices straight above each other",
        remedy="resample it straight first (dcm2niix does), masks too, or leave the case out",
    )
