"""The check pass: what is wrong with a pair, found before hours of training are spent on it."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.affines import voxel_sizes
from nibabel.filebasedimages import SerializableImage

from .itk_file import is_itk
from .volume_file import open_volume, same_place, says_size, whole_numbers
from .voxel_facts import ImageFacts, MaskFacts, read_slabs

EMPTY = "empty mask"
OUTSIDE = "outside the window"  # kind of problem of generated images
_NEAR = 0.25  # of a window's width: so far outside of it values still count as HU of about the window
_HEADER_ERRORS = (
    nib.filebasedimages.ImageFileError,
    nib.spatialimages.HeaderDataError,
    nib.spatialimages.HeaderTypeError,
)
_READ_ERRORS = (OSError, EOFError, ValueError, OverflowError, MemoryError, zlib.error, *_HEADER_ERRORS)


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a case, and how to mend it."""

    case_id: str
    kind: str
    file: str
    found: str
    expected: str
    remedy: str


@dataclass(frozen=True)
class Limits:
    """What a good pair must keep.

    Attributes:
        labels: Values a mask may hold; 0 is background.
        min_slices: Along the patient's axis.
        air, fat, tissue: HU; a CT of a patient holds tissue and air, or fat where a box inside of the patient was cut
            out; an image without them has been shifted or rescaled.
        share: Of the voxels that must be air or fat, and soft tissue.
        widest: HU; larger magnitudes are no scanner's (HECKTOR's reach from -16989 to 31743, thesis tables 3.5, 3.6).
        window: HU that a generator fills; None for real cases.
        voxel: Smallest and largest edge of a voxel, mm: phantoms of 16 slices have 24 mm, dental CT 0.08 mm.
        extent: Of the volume along each axis, mm; no scan of a patient is shorter or longer.
        min_voxels: Along each axis.
    """

    labels: tuple[int, ...] = (0, 1, 2)
    min_slices: int = 16
    air: tuple[float, float] = (-1500, -500)
    fat: tuple[float, float] = (-150, -30)
    tissue: tuple[float, float] = (-200, 300)
    share: float = 0.001
    widest: float = 40000
    window: tuple[float, float] | None = None
    voxel: tuple[float, float] = (0.05, 50)
    extent: tuple[float, float] = (5, 3000)
    min_voxels: int = 4


def check_case(entry: Mapping[str, Any], limits: Limits | None = None) -> list[Problem]:
    """What is wrong with the pair of ``entry`` (case_id, image, label); an empty list for a good one.

    An entry without ``label`` is an image alone.

    Files are read whole, so that truncated ones are found. What cannot be judged because of an earlier problem (the
    geometry of an unreadable file) is not reported.
    """
    limits = limits or Limits()
    checker = _Checker(entry["case_id"], limits)
    image_path = Path(entry["image"])
    low, high = limits.window or limits.air
    margin = (high - low) * _NEAR
    near = (low - margin, high + margin)
    seen = ImageFacts({"air": limits.air, "fat": limits.fat, "tissue": limits.tissue, "near": near})
    image = checker.read(image_path, seen)
    if image is not None:
        checker.check_image(image_path, seen)
        checker.check_grid(image_path, *image)
    if "label" not in entry:
        return checker.problems
    label_path = Path(entry["label"])
    marked = MaskFacts()
    label = checker.read(label_path, marked)
    if label is not None:
        checker.check_label(label_path, marked)
    if image is not None and label is not None:
        checker.check_geometry(label_path, image, label)
    return checker.problems


class _Checker:
    """Collects the problems of one case."""

    def __init__(self, case_id: str, limits: Limits) -> None:
        self.case_id = case_id
        self.limits = limits
        self.problems: list[Problem] = []

    def add(self, kind: str, file: Path, found: str, expected: str, remedy: str) -> None:
        self.problems.append(Problem(self.case_id, kind, str(file), found, expected, remedy))

    def read(self, path: Path, facts: ImageFacts | MaskFacts) -> tuple[tuple[int, ...], np.ndarray] | None:
        """Shape and affine, with the voxels taken into `facts`; or None with the problem noted."""
        if not path.is_file():
            self.add(
                "missing file", path, "no such file", "a NIfTI file", "restore it, or remove the case from the list"
            )
            return None
        try:
            volume = open_volume(path)
            if not is_itk(path) and not isinstance(volume, SerializableImage):
                raise ValueError(f"a {type(volume).__name__}, which is more than one file")
            shape, kind = volume.shape, np.dtype(volume.get_data_dtype())
            if min(shape, default=0) < 1:
                raise ValueError(f"a volume of the shape {shape}")
            for slab in read_slabs(path, volume):
                kind = slab.dtype
                if len(shape) == 3 and kind.kind in "iuf":
                    facts.add(slab)
        except _READ_ERRORS as error:
            found = f"{type(error).__name__}: {error}".splitlines()[0][:100]
            self.add("unreadable file", path, found, "a whole NIfTI file", "copy or download it again")
            return None
        if len(shape) != 3 or kind.kind not in "iuf":
            found = f"shape {shape} of {kind}"
            self.add("not a volume", path, found, "3 axes of plain numbers", "save one 3D volume a file")
            return None
        if is_itk(path):
            return shape, np.asarray(volume.affine)
        if not says_size(volume):
            found, expected = "no code of sform or qform, and voxels of 1 mm, the default", "a header with a place"
            self.add("unknown voxel size", path, found, expected, "write size and place into it, or convert again")
            return None
        if not np.isfinite(volume.affine).all() or np.isnan(nib.io_orientation(volume.affine)).any():
            found = f"affine {volume.affine[:3].round(3).tolist()}"
            self.add("unusable affine", path, found, "three axes with a length", "convert again from DICOM")
            return None
        return shape, np.asarray(volume.affine)

    def check_image(self, path: Path, image: ImageFacts) -> None:
        """Finite, and in HU."""
        if image.infinite:
            self.add(
                "NaN or infinite", path, f"{image.infinite} voxels", "finite HU", "export the image again from DICOM"
            )
            return
        low, high = image.low, image.high
        air, fat, tissue = (image.shares[name] for name in ("air", "fat", "tissue"))
        least = self.limits.share
        placed = air >= least or (fat >= least and high - low > 255)  # less may be a picture of 8 bits
        if not placed or tissue < least or max(-low, high) > self.limits.widest:
            self.add(
                "not HU",
                path,
                f"values {low:g} to {high:g}, {air:.1%} air, {fat:.1%} fat, {tissue:.1%} soft tissue",
                f"Hounsfield units, with air {self.limits.air} or fat {self.limits.fat}, and soft tissue "
                f"{self.limits.tissue}",
                "undo the rescaling (HU = slope · value + intercept), or convert again from DICOM",
            )
        elif self.limits.window is not None and (
            found := _outside(image.shares["near"], low, high, self.limits.window)
        ):
            low, high = self.limits.window
            expected, remedy = "Hounsfield units that fill it", "generate it again with `run inferring`"
            self.add(OUTSIDE, path, f"{found} the window [{low:g}, {high:g}] HU", expected, remedy)

    def check_grid(self, path: Path, shape: tuple[int, ...], affine: np.ndarray) -> None:
        """Voxels and axes of a length that a patient's volume has."""
        axis = int(np.argwhere(nib.io_orientation(affine)[:, 0] == 2)[0, 0])
        if shape[axis] < self.limits.min_slices:
            found = f"{shape[axis]} slices"
            self.add("too few slices", path, found, f"at least {self.limits.min_slices}", "leave the case out")
        elif min(shape) < self.limits.min_voxels:
            expected = f"at least {self.limits.min_voxels} voxels along each axis"
            self.add("too few voxels", path, f"shape {shape}", expected, "leave the case out, or convert it again")
        sizes, lengths = voxel_sizes(affine), voxel_sizes(affine) * shape
        within = [
            low <= min(values) and max(values) <= high
            for values, (low, high) in ((sizes, self.limits.voxel), (lengths, self.limits.extent))
        ]
        if not all(within):
            (least, most), (shortest, longest) = self.limits.voxel, self.limits.extent
            found = f"voxels of {_numbers(sizes)} mm, {_numbers(lengths)} mm in all"
            expected = f"edges of {least:g} to {most:g} mm, {shortest:g} to {longest:g} mm in all"
            remedy = "write the true voxel size into the header, in mm, or convert again from DICOM"
            self.add("unlikely voxel size", path, found, expected, remedy)

    def check_label(self, path: Path, label: MaskFacts) -> None:
        """Whole numbers, known values, and some foreground."""
        try:
            whole_numbers(np.array(label.farthest), path=path)
        except ValueError as error:
            found = str(error).removeprefix(f"{path} holds ").partition(",")[0]
            remedy = "resample masks by the nearest neighbour; binarise probabilities before they are saved"
            self.add("not whole numbers", path, found, "label values", remedy)
            return
        if unknown := [f"{value:g}" for value in sorted(label.values) if value not in self.limits.labels]:
            found = ", ".join(unknown[:5]) + (", …" if len(unknown) > 5 else "")
            expected = f"only {list(self.limits.labels)}"
            self.add("unknown label values", path, found, expected, "map the values, or name them with --labels")
        elif not any(label.values):
            self.add(EMPTY, path, "background only", "a tumour or lymph node", "leave the case out, or contour it")

    def check_geometry(
        self, path: Path, image: tuple[tuple[int, ...], np.ndarray], label: tuple[tuple[int, ...], np.ndarray]
    ) -> None:
        """Image and mask on one grid."""
        if image[0] != label[0]:
            found, expected = f"mask {label[0]}", f"the image's {image[0]}"
            remedy = "resample the mask to the image; --repair cuts off a slice too many, and turns a mask"
            self.add("shapes differ", path, found, expected, remedy)
        elif not same_place(image[1], label[1], image[0]):
            worst = np.abs(image[1] - label[1]).max()
            found = f"affines differ by up to {worst:.3g}"
            remedy = "resample the mask to the image; --repair turns one that is only flipped or has its axes swapped"
            self.add("affines differ", path, found, "one affine", remedy)


def outside_window(image: np.ndarray, window: Sequence[float], *, share: float = 0.5) -> str | None:
    """What the values of an image are, if they are not HU of about the window but a network's, or a picture's.

    Constant images are HU: a generator that has collapsed makes them.

    Args:
        image: Finite.
        window: HU, low and high.
        share: Of the voxels that must lie in the window, or within a quarter of its width of it.
    """
    low, high = window
    margin = (high - low) * _NEAR
    inside = float(np.mean((image >= low - margin) & (image <= high + margin)))
    return _outside(inside, float(image.min()), float(image.max()), window, share=share)


def _outside(inside: float, least: float, most: float, window: Sequence[float], *, share: float = 0.5) -> str | None:
    """See `outside_window`, of the share of voxels near the window and the values' ends."""
    rescaled = window[0] < -2 and least < most and (least >= 0 or max(-least, most) <= 2)
    return f"values {least:g} to {most:g}, {inside:.0%} of them near" if inside < share or rescaled else None


def problem_table(problems: Sequence[Problem]) -> str:
    """Table of problems, a row each."""
    header = ("case", "problem", "found", "expected", "what to do", "file")
    rows = [(p.case_id, p.kind, p.found, p.expected, p.remedy, p.file) for p in problems]
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [header, *rows]]
    return "\n".join(line.rstrip() for line in lines)


def _numbers(values: np.ndarray) -> str:
    return " × ".join(f"{value:.3g}" for value in values)
