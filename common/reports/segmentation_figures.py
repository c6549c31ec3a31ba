"""Predicted masks over the CT against the ground truth."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from monai.transforms.utils import generate_spatial_bounding_box

from .dark_figure import FOREGROUND, dark_figure, save_figure
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
    cases: Sequence[SegmentedCase],
    *,
    path: str | os.PathLike,
    window: tuple[float, float] = (-160, 240),
    width: float = 14,
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
    figure, panels = _canvas(rows, width)
    for case, views, row in zip(cases, rows, panels, strict=True):
        row[0].set_ylabel(_caption(case), color=FOREGROUND, fontsize=9, linespacing=1.4)
        for axes, view in zip(row, views, strict=True):
            _draw(axes, view, window)
    for axes, view in zip(panels[0], rows[0], strict=True):
        axes.set_title(view.plane, color=FOREGROUND, fontsize=11)
    _legend(figure)
    return save_figure(figure, path)


def _areas(case: SegmentedCase) -> np.ndarray:
    """MISSED, OVERLAP, FALSE_POSITIVE, or 0, in the shape of the masks."""
    truth, prediction = np.asarray(case.truth) > 0, np.asarray(case.prediction) > 0
    if truth.shape != prediction.shape:
        raise ValueError(f"{case.name}: prediction {prediction.shape} and truth {truth.shape} differ in shape")
    return np.select([truth & prediction, truth, prediction], [OVERLAP, MISSED, FALSE_POSITIVE]).astype(np.uint8)


def _views(case: SegmentedCase) -> list[View]:
    """Slices of the image with the areas as their mask, without the air around the body."""
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
    return [view._replace(mask=area.image) for view, area in zip(views, shown, strict=True)]


def _caption(case: SegmentedCase) -> str:
    missed, overlap, excess = np.bincount(_areas(case).ravel(), minlength=4)[1:]
    truth, prediction = missed + overlap, overlap + excess
    dice = f"Dice {2 * overlap / (truth + prediction):.3f}" if truth else "no ground truth"
    ml = np.prod(case.spacing) / 1000
    return f"{case.name}\n{dice}\ntruth {truth * ml:.1f} ml, predicted {prediction * ml:.1f} ml"


def _canvas(rows: Sequence[Sequence[View]], width: float) -> tuple[Figure, np.ndarray]:
    """Figure and its axes (cases, planes), all at one scale, in mm per inch."""
    columns = [max(views[plane].size[1] for views in rows) for plane in range(len(PLANES))]
    lines = [max(view.size[0] for view in views) for views in rows]
    left, right, top, bottom, gap = 0.65, 0.05, 0.35, 0.4, 0.06
    inch = (width - left - right - gap * (len(columns) - 1)) / sum(columns)
    height = top + bottom + inch * sum(lines) + gap * (len(lines) - 1)
    figure = dark_figure(width, height)
    box = {"left": left / width, "right": 1 - right / width, "bottom": bottom / height, "top": 1 - top / height}
    gaps = {"wspace": gap / inch / np.mean(columns), "hspace": gap / inch / np.mean(lines)}
    ratios = {"width_ratios": columns, "height_ratios": lines}
    panels = figure.subplots(len(rows), len(columns), squeeze=False, gridspec_kw=box | gaps | ratios)
    for (row, column), axes in np.ndenumerate(panels):
        size = rows[row][column].size
        axes.set_xlim((size[1] - columns[column]) / 2, (size[1] + columns[column]) / 2)
        axes.set_ylim((size[0] - lines[row]) / 2, (size[0] + lines[row]) / 2)
    return figure, panels


def _draw(axes: Axes, view: View, window: tuple[float, float]) -> None:
    height, width = view.size
    extent = (0, width, 0, height)
    axes.imshow(view.image, cmap="gray", vmin=window[0], vmax=window[1], extent=extent, interpolation="antialiased")
    picture = np.zeros((*view.mask.shape, 4))
    for area, (_, colour) in AREAS.items():
        picture[view.mask == area] = (*to_rgb(colour), 0.35)
    axes.imshow(picture, extent=extent, interpolation="nearest")
    _outline(axes, view.mask == FALSE_POSITIVE, AREAS[FALSE_POSITIVE][1], extent)
    _outline(axes, np.isin(view.mask, (MISSED, OVERLAP)), AREAS[MISSED][1], extent)
    axes.set(xticks=[], yticks=[], facecolor="black")
    axes.spines[:].set_visible(False)
    _, left, top = PLANES[view.plane]
    for x, y, letter, place in ((0.02, 0.5, left, {"ha": "left"}), (0.5, 0.98, top, {"va": "top"})):
        axes.text(x, y, letter, color=FOREGROUND, fontsize=8, transform=axes.transAxes, **place)


def _outline(axes: Axes, mask: np.ndarray, colour: str, extent: tuple[float, ...]) -> None:
    if mask.any():
        axes.contour(mask.astype(float), levels=[0.5], colors=[colour], linewidths=1, extent=extent, origin="upper")


def _legend(figure: Figure) -> None:
    swatches = [Patch(color=colour, label=name) for name, colour in AREAS.values()]
    figure.legend(
        handles=swatches, loc="lower center", ncols=len(swatches), frameon=False, labelcolor=FOREGROUND, fontsize=10
    )
