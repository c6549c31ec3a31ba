"""Predicted masks over the CT against the ground truth."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from monai.transforms.utils import generate_spatial_bounding_box

from .dark_figure import FOREGROUND, dark_figure, save_figure
from .slice_axes import Size, fit_panel, legend_below, outline, shade, show_slice
from .slices import PLANES, Spacing, View, orthogonal_slices

MISSED, OVERLAP, FALSE_POSITIVE = 1, 2, 3
AREAS = {
    MISSED: ("ground truth (filled: missed)", "#ffffff"),
    OVERLAP: ("overlap", "#3ddc84"),
    FALSE_POSITIVE: ("false positive", "#ff5c5c"),
}
AIR = -500  # HU; what is above it in the picture is body or table


class SegmentedCase(NamedTuple):
    """A CT and two masks of one case: volumes in RAS, (H, W, D) or (1, H, W, D), `image` in HU, `spacing` in mm."""

    name: str
    image: Any
    prediction: Any
    truth: Any
    spacing: Spacing = (1, 1, 1)


def worst_median_best(dice: Mapping[str, float | None]) -> dict[str, str]:
    """Case ids of the ``worst``, ``median`` and ``best`` Dice; fewer where there are fewer than three cases.

    NaN and None are left out. Of two middle cases the lower is the median; ties go by case id.

    Raises:
        ValueError: no case has a Dice.
    """
    known = {case: value for case, value in dice.items() if value is not None and not np.isnan(value)}
    order = sorted(known, key=lambda case: (known[case], case))
    if not order:
        raise ValueError(f"none of {len(dice)} cases has a Dice, nothing to show")
    names: dict[int, str] = {}
    for name, position in (("worst", 0), ("median", (len(order) - 1) // 2), ("best", len(order) - 1)):
        names.setdefault(position, name)
    return {name: order[position] for position, name in names.items()}


def plot_segmentations(
    cases: Sequence[SegmentedCase], *, path: str | os.PathLike, window: Sequence[float] = (-160, 240), width: float = 14
) -> Path:
    """PNG of a row a case: axial, coronal and sagittal slice, the ground truth white, overlap green, excess red.

    The slices are those with most of the ground truth (of the prediction, where the truth is empty); labels are joined.
    All rows have one scale. Beside each stand the Dice and both volumes, of the whole volume.

    Args:
        cases: To be shown.
        path: Of the PNG.
        window: HU shown as black and white; the default is that for soft tissue.
        width: Of the picture, in inches (120 pixels each).

    Raises:
        ValueError: no case, or volumes of different shapes in one.
    """
    if not cases:
        raise ValueError("no case to show")
    rows = [_views(case) for case in cases]
    figure, panels = _canvas([[view.size for view, _ in views] for views in rows], width)
    for case, views, row in zip(cases, rows, panels, strict=True):
        row[0].set_ylabel(_caption(case), color=FOREGROUND, fontsize=9, linespacing=1.4)
        for axes, (view, areas) in zip(row, views, strict=True):
            _draw(axes, view, areas, window)
    for axes, plane in zip(panels[0], PLANES, strict=True):
        axes.set_title(plane, color=FOREGROUND, fontsize=11)
    legend_below(figure, list(AREAS.values()))
    return save_figure(figure, path)


def _areas(case: SegmentedCase) -> np.ndarray:
    """MISSED, OVERLAP, FALSE_POSITIVE, or 0, in the shape of the masks."""
    truth, prediction = np.asarray(case.truth) > 0, np.asarray(case.prediction) > 0
    if truth.shape != prediction.shape:
        raise ValueError(f"{case.name}: prediction {prediction.shape} and truth {truth.shape} differ in shape")
    return np.select([truth & prediction, truth, prediction], [OVERLAP, MISSED, FALSE_POSITIVE]).astype(np.uint8)


def _views(case: SegmentedCase) -> list[tuple[View, np.ndarray]]:
    """Slices of the image, each with that of the areas, without the air around the body."""
    image, areas = np.asarray(case.image), _areas(case)
    if image.shape != areas.shape:
        raise ValueError(f"{case.name}: image {image.shape} and masks {areas.shape} differ in shape")
    if areas.ndim not in (3, 4) or areas.size != np.prod(areas.shape[-3:]):
        raise ValueError(f"{case.name}: expected one volume (H, W, D) or (1, H, W, D), got shape {areas.shape}")
    image, areas = (volume.reshape(volume.shape[-3:]) for volume in (image, areas))
    body = (image > AIR) | (areas > 0)
    if body.any():
        box = tuple(map(slice, *generate_spatial_bounding_box(body[None])))
        image, areas = image[box], areas[box]
    truth = np.isin(areas, (MISSED, OVERLAP))
    cut = truth if truth.any() else areas
    views = orthogonal_slices(image, cut, spacing=case.spacing)
    shown = orthogonal_slices(areas, cut, spacing=case.spacing)  # the same slices
    return [(view, area.image) for view, area in zip(views, shown, strict=True)]


def _caption(case: SegmentedCase) -> str:
    missed, overlap, excess = np.bincount(_areas(case).ravel(), minlength=4)[1:]
    truth, prediction = missed + overlap, overlap + excess
    dice = f"Dice {2 * overlap / (truth + prediction):.3f}" if truth else "no ground truth"
    ml = np.prod(case.spacing) / 1000
    return f"{case.name}\n{dice}\ntruth {truth * ml:.1f} ml, predicted {prediction * ml:.1f} ml"


def _canvas(sizes: Sequence[Sequence[Size]], width: float) -> tuple[Figure, np.ndarray]:
    """Figure and its axes (cases, planes), all at one scale, in mm per inch."""
    columns = [max(across for _, across in column) for column in zip(*sizes, strict=True)]
    lines = [max(up for up, _ in line) for line in sizes]
    left, right, top, bottom, gap = 0.65, 0.05, 0.35, 0.4, 0.06
    inch = (width - left - right - gap * (len(columns) - 1)) / sum(columns)
    height = top + bottom + inch * sum(lines) + gap * (len(lines) - 1)
    figure = dark_figure(width, height)
    box = {"left": left / width, "right": 1 - right / width, "bottom": bottom / height, "top": 1 - top / height}
    gaps = {"wspace": gap / inch / np.mean(columns), "hspace": gap / inch / np.mean(lines)}
    ratios = {"width_ratios": columns, "height_ratios": lines}
    panels = figure.subplots(len(lines), len(columns), squeeze=False, gridspec_kw=box | gaps | ratios)
    for (row, column), axes in np.ndenumerate(panels):
        fit_panel(axes, sizes[row][column], (lines[row], columns[column]))
    return figure, panels


def _draw(axes: Axes, view: View, areas: np.ndarray, window: Sequence[float]) -> None:
    show_slice(axes, view.image, view.size, window)
    shade(axes, areas, view.size, {area: colour for area, (_, colour) in AREAS.items()}, opacity=0.35)
    outline(axes, areas == FALSE_POSITIVE, view.size, AREAS[FALSE_POSITIVE][1])
    outline(axes, np.isin(areas, (MISSED, OVERLAP)), view.size, AREAS[MISSED][1])
    axes.set(xticks=[], yticks=[], facecolor="black")
    axes.spines[:].set_visible(False)
    _, left, top = PLANES[view.plane]
    letter: dict[str, Any] = {"color": FOREGROUND, "fontsize": 8, "transform": axes.transAxes}
    axes.text(0.02, 0.5, left, ha="left", **letter)
    axes.text(0.5, 0.98, top, va="top", **letter)
