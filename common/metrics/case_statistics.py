"""What a data set's headers, intensities and masks look like, case by case and centre by centre (thesis 3.2).

Not by MONAI's `DataAnalyzer`: as of 1.6.1 it measures intensities inside the box of what is above 0, which in HU is not
the image, turns to NaN with one voxel, and knows neither centres, headers, most frequent values nor test cases.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Resize
from nibabel.affines import voxel_sizes
from scipy import ndimage

from ..data.check import Problem
from ..data.datalist import label_names
from ..data.volume_file import open_volume, read_mask
from ..progress import Progress
from ..transforms.centre_crop import CentreBoundsCrop
from ..transforms.hu_window import HUWindow

ALL = "all"  # the centre of the total row
HU_EDGES = np.arange(-3100, 3101, 20)  # holds the paddings of HECKTOR (thesis table 3.3) and a 12-bit scanner's 3071
USUAL_HU = (-3024.0, 4095.0)  # from the lowest frequent padding (thesis table 3.3) to the most that 12 bits hold
_SPREADS = ("size_x", "size_y", "slices", "spacing_x", "spacing_y", "spacing_z", "hu_min", "hu_max", "hu_mean")
_SEEN = ("slope", "intercept", "orientation", "dtype")
_LEVELS = np.arange(-(2**15), 2**15)
_GRID = 3.0  # mm, of the volume that a thumbnail is made of


@dataclass(frozen=True)
class CaseStatistics:
    """One pair, measured. Axes in RAS order, whatever the file's; HU after the header's slope and intercept.

    Attributes:
        case_id, centre: As in the data list.
        size: Voxels from right to left, back to front, feet to head; the last is the number of slices.
        spacing: mm.
        orientation, dtype: As stored.
        slope, intercept: Of the header; 1 and 0 where it has none.
        hu_min, hu_max, hu_mean, hu_sd: Over the finite voxels.
        hu_mode, hu_mode_share: Most frequent value, rounded to 1 HU, and its share of the voxels.
        volumes: Label's name to ml.
        components: Label's name to its number of parts connected by faces.
        histogram: Voxels per bin of `HU_EDGES`; the outer bins hold all beyond.
        thumbnail: See `thumbnail`.
    """

    case_id: str
    centre: str
    size: tuple[int, int, int]
    spacing: tuple[float, float, float]
    orientation: str
    dtype: str
    slope: float
    intercept: float
    hu_min: float
    hu_max: float
    hu_mean: float
    hu_sd: float
    hu_mode: float
    hu_mode_share: float
    volumes: dict[str, float]
    components: dict[str, int]
    histogram: np.ndarray
    thumbnail: np.ndarray

    def row(self) -> dict[str, Any]:
        """One flat row: all but the arrays."""
        head = {"case_id": self.case_id, "centre": self.centre}
        size = dict(zip(("size_x", "size_y", "slices"), self.size, strict=True))
        spacing = dict(zip(("spacing_x", "spacing_y", "spacing_z"), self.spacing, strict=True))
        names = ("orientation", "dtype", "slope", "intercept", "hu_min", "hu_max", "hu_mean", "hu_sd", "hu_mode")
        scalars = {name: getattr(self, name) for name in (*names, "hu_mode_share")}
        labels: dict[str, float] = {}
        for name, volume in self.volumes.items():
            labels |= {f"{column(name)}_ml": volume, f"{column(name)}_components": self.components[name]}
        return {**head, **size, **spacing, **scalars, **labels}


def column(name: str) -> str:
    """Name of a label as it starts its columns."""
    return name.replace(" ", "_")


def describe_cases(
    entries: Sequence[Mapping[str, Any]], labels: Mapping[str, str], *, workers: int = 2, window: Sequence[float]
) -> list[CaseStatistics]:
    """Each of ``entries`` measured, in their order; one pair a worker is in memory.

    Args:
        entries: With absolute paths, as `select_cases` gives them.
        labels: Value to name; 0 is background.
        workers: Threads; 0 is one.
        window: HU, of the thumbnails.
    """
    describe = partial(describe_case, labels=labels, window=window)
    with ThreadPoolExecutor(max(1, workers)) as pool:  # decompressing lets go of the lock
        return list(Progress(pool.map(describe, entries), "measuring", len(entries)))


def describe_case(
    entry: Mapping[str, Any], labels: Mapping[str, str], *, window: Sequence[float] = (-1024, 600)
) -> CaseStatistics:
    """One pair measured; arguments as for `describe_cases`.

    Raises:
        OSError, ImageFileError: A file cannot be read; `common.data.cases.find_problems` says so beforehand.
    """
    stored = open_volume(entry["image"])
    canonical = nib.as_closest_canonical(stored)
    image, affine = np.asanyarray(canonical.dataobj), canonical.affine  # axes flipped and swapped to RAS
    mask = nib.as_closest_canonical(open_volume(entry["label"]))
    label, label_affine = read_mask(mask, path=entry["label"]), mask.affine
    x, y, z = (round(float(mm), 4) for mm in voxel_sizes(affine))  # headers hold 32-bit numbers
    volumes, components = _measure_labels(label, labels, float(np.prod(voxel_sizes(label_affine))) / 1000)
    return CaseStatistics(
        case_id=entry["case_id"],
        centre=entry["centre"],
        size=image.shape,
        spacing=(x, y, z),
        orientation="".join(nib.aff2axcodes(stored.affine)),
        dtype=str(stored.get_data_dtype()),
        slope=float(getattr(stored.dataobj, "slope", 1)),  # nibabel's header forgets them as it loads
        intercept=float(getattr(stored.dataobj, "inter", 0)),
        **_measure_hu(image),
        volumes=volumes,
        components=components,
        thumbnail=thumbnail(image, affine, window=window),
    )


def thumbnail(
    image: np.ndarray, affine: np.ndarray, *, size: int = 24, window: Sequence[float] = (-1024, 600)
) -> np.ndarray:
    """The patient's box, windowed to [-1, 1] and averaged down to ``(size, size, size)``: features without a network.

    Args:
        image: HU in RAS, (H, W, D). Where no body is found, all of it is taken.
        affine: Its affine, in mm.
        size: Voxels an axis.
        window: HU that become -1 and 1.
    """
    stride = np.maximum(1, _GRID / voxel_sizes(affine)).astype(int)
    coarse = np.nan_to_num(image[tuple(slice(None, None, step) for step in stride)].astype(np.float32))
    volume: torch.Tensor = MetaTensor(
        torch.from_numpy(coarse[None].copy()), affine=torch.as_tensor(affine @ np.diag([*stride, 1.0]))
    )
    with suppress(ValueError):  # no body
        volume = CentreBoundsCrop(margin=0)(volume)
    windowed = torch.as_tensor(HUWindow(*window)(volume))
    return Resize((size,) * 3, mode="area")(windowed)[0].numpy()


def centre_rows(statistics: Sequence[CaseStatistics]) -> list[dict[str, Any]]:
    """A row for each centre and one of all: ranges and means, values seen, most frequent extremes, label volumes.

    ``x_min``, ``x_max`` and ``x_mean`` are over the centre's cases of case column ``x``. A label's volume and
    components are over the cases that hold it, of which there are ``<label>_cases``; its standard deviation is the
    sample's, none for one case.
    """
    rows = [case.row() for case in statistics]
    labels = [column(name) for name in statistics[0].volumes]
    centres = sorted({row["centre"] for row in rows})
    groups = {centre: [row for row in rows if row["centre"] == centre] for centre in centres} | {ALL: rows}
    return [_centre_row(centre, group, labels) for centre, group in groups.items()]


def most_frequent(values: Iterable[float], count: int = 5) -> list[tuple[float, int]]:
    """The `count` most frequent values, each with how often it stands; of equally frequent ones the smaller first."""
    return sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))[:count]


def centre_histograms(statistics: Sequence[CaseStatistics]) -> dict[str, np.ndarray]:
    """Share of each bin of `HU_EDGES` by centre, the mean over its cases: a long scan counts as much as a short one."""
    centres = sorted({case.centre for case in statistics})
    shares = {c: [s.histogram / max(1, s.histogram.sum()) for s in statistics if s.centre == c] for c in centres}
    return {centre: np.mean(group, axis=0) for centre, group in shares.items()}


def unusual_cases(
    statistics: Sequence[CaseStatistics],
    files: Mapping[str, str],
    *,
    hu_range: Sequence[float] = USUAL_HU,
    spacing_factor: float = 1.5,
) -> list[Problem]:
    """What the check lets pass and a reader should know of: HU beyond `hu_range`, a spacing unlike its centre's.

    Args:
        statistics: See `describe_cases`.
        files: Case id to the image's path.
        hu_range: Lowest and highest HU that need no remark.
        spacing_factor: An axis whose voxels are so many times longer or shorter than the centre's median is odd.
    """
    low, high = hu_range
    expected = f"within {low:g} to {high:g}"
    remedy = "nothing where the HU window cuts it off; else look at the image"
    problems = [
        Problem(s.case_id, "unusual HU", files[s.case_id], f"{s.hu_min:g} to {s.hu_max:g}", expected, remedy)
        for s in statistics
        if not (low <= s.hu_min and s.hu_max <= high)
    ]
    remedy = "compare with the DICOM; resampling evens a true one out"
    for centre in sorted({case.centre for case in statistics}):
        group = [case for case in statistics if case.centre == centre]
        median = np.median([case.spacing for case in group], axis=0)
        expected = f"near {centre}'s median, " + " × ".join(f"{mm:g}" for mm in median)
        for case in group:
            ratio = np.asarray(case.spacing) / median
            if np.maximum(ratio, 1 / ratio).max() > spacing_factor:
                found = " × ".join(f"{mm:g}" for mm in case.spacing) + " mm"
                problems.append(Problem(case.case_id, "odd spacing", files[case.case_id], found, expected, remedy))
    return problems


def _measure_hu(image: np.ndarray) -> dict[str, Any]:
    """Slice by slice, so that no second volume is held; the most frequent value is sought among 16-bit ones."""
    planes = [plane for plane in map(_finite, np.moveaxis(image, -1, 0)) if plane.size]
    if not planes:
        nothing = dict.fromkeys(("hu_min", "hu_max", "hu_mean", "hu_sd", "hu_mode"), float("nan"))
        return {**nothing, "hu_mode_share": 0.0, "histogram": np.zeros(len(HU_EDGES) - 1)}
    voxels = sum(plane.size for plane in planes)
    mean = sum(plane.sum(dtype=float) for plane in planes) / voxels
    counts = sum(map(_count_levels, planes), start=np.zeros(len(_LEVELS), np.intp))
    return {
        "hu_min": float(min(plane.min() for plane in planes)),
        "hu_max": float(max(plane.max() for plane in planes)),
        "hu_mean": float(mean),
        "hu_sd": float((sum(np.square(plane - mean).sum() for plane in planes) / voxels) ** 0.5),
        "hu_mode": float(_LEVELS[counts.argmax()]),
        "hu_mode_share": float(counts.max() / voxels),
        "histogram": np.histogram(_LEVELS.clip(HU_EDGES[0], HU_EDGES[-1]), HU_EDGES, weights=counts)[0],
    }


def _finite(plane: np.ndarray) -> np.ndarray:
    return plane if plane.dtype.kind in "iu" or np.isfinite(plane).all() else plane[np.isfinite(plane)]


def _count_levels(plane: np.ndarray) -> np.ndarray:
    """How often each of `_LEVELS` stands in `plane`, rounded."""
    if plane.dtype != np.int16:
        plane = np.rint(plane.astype(float).clip(_LEVELS[0], _LEVELS[-1]))
    return np.bincount(plane.ravel().astype(np.intp) - _LEVELS[0], minlength=len(_LEVELS))


def _measure_labels(label: np.ndarray, names: Mapping[str, str], ml: float) -> tuple[dict[str, float], dict[str, int]]:
    """Volume in ml, of voxels of `ml` each, and number of parts of each foreground label."""
    there = [np.flatnonzero(label.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    inside = tuple(slice(found[0], found[-1] + 1) if found.size else slice(1) for found in there)
    label = label[inside].astype(np.int32)  # a lesion is a thousandth of its scan
    boxes = dict(enumerate(ndimage.find_objects(label.clip(0)), start=1))
    volumes, components = {}, {}
    for value, name in label_names(names).items():
        if value == "0":
            continue
        box = boxes.get(int(value))
        mask = label[box] == int(value) if box else np.zeros((1, 1, 1), bool)
        volumes[name] = float(np.count_nonzero(mask) * ml)
        components[name] = int(ndimage.label(mask)[1])
    return volumes, components


def _centre_row(centre: str, rows: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> dict[str, Any]:
    result: dict[str, Any] = {"centre": centre, "cases": len(rows)}
    for name in _SPREADS:
        values = [row[name] for row in rows]
        result |= {f"{name}_min": min(values), f"{name}_max": max(values), f"{name}_mean": float(np.mean(values))}
    for name in _SEEN:
        result[name] = " ".join(str(value) for value in sorted({row[name] for row in rows}))
    for name in ("hu_min", "hu_max"):
        value, often = most_frequent(row[name] for row in rows)[0]
        result |= {f"{name}_most_frequent": value, f"{name}_most_frequent_cases": often}
    for label in labels:
        holding = [row for row in rows if row[f"{label}_components"]]
        volumes, components = ([row[f"{label}_{what}"] for row in holding] for what in ("ml", "components"))
        result |= {
            f"{label}_cases": len(holding),
            f"{label}_ml_mean": float(np.mean(volumes)) if holding else None,
            f"{label}_ml_sd": float(np.std(volumes, ddof=1)) if len(holding) > 1 else None,
            f"{label}_components_mean": float(np.mean(components)) if holding else None,
            f"{label}_components_max": max(components, default=None),
        }
    return result
