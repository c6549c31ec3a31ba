"""Slices of CT volumes and their masks, as a radiologist looks at them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Transform

from .dark_figure import FOREGROUND, dark_figure, save_figure
from .slice_axes import Size, axes_in_inches, label_legend, overlay_labels, panel_in_inches, show_slice

Plane = Literal["axial", "coronal", "sagittal"]
Spacing = Sequence[float]

# The axis a plane cuts, and what lies at the left and at the top of the picture (radiological convention).
PLANES: dict[Plane, tuple[int, str, str]] = {
    "axial": (2, "R", "A"),
    "coronal": (1, "R", "S"),
    "sagittal": (0, "A", "S"),
}


@dataclass(frozen=True, eq=False)
class View:
    """One slice, rows from top to bottom: `image` and `mask` (rows, columns), `size` (height, width) in mm."""

    plane: Plane
    index: int
    image: np.ndarray
    mask: np.ndarray | None
    size: Size


def orthogonal_slices(image: Any, mask: Any = None, *, spacing: Spacing = (1, 1, 1)) -> list[View]:
    """Axial, coronal and sagittal view through the mask's largest slices, or the middle where there is no mask.

    Args:
        image: Volume in RAS, (H, W, D) or (1, H, W, D), any range.
        mask: Labels of the same shape, 0 is background.
        spacing: Of the voxels, in mm.

    Raises:
        ValueError: not one volume, or image and mask differ in shape.
    """
    image = _volume(image)
    mask = None if mask is None else _volume(mask)
    if mask is not None and mask.shape != image.shape:
        raise ValueError(f"image {image.shape} and mask {mask.shape} differ in shape")
    views = []
    for plane, (axis, _, _) in PLANES.items():
        index = image.shape[axis] // 2
        if mask is not None and mask.any():
            index = int((mask > 0).sum(axis=tuple({0, 1, 2} - {axis})).argmax())
        picture = _shown(image, axis)[..., index]
        labels = None if mask is None else _shown(mask, axis)[..., index]
        across, up = np.delete(np.asarray(spacing, dtype=float), axis)
        views.append(View(plane, index, picture, labels, (picture.shape[0] * up, picture.shape[1] * across)))
    return views


def pair_grid(
    images: Sequence[Any],
    masks: Sequence[Any] | None = None,
    *,
    path: str | os.PathLike,
    window: Sequence[float] = (-1024, 600),
    spacing: Spacing | Sequence[Spacing] = (1, 1, 1),
    names: Sequence[str] | None = None,
    label_names: Sequence[str] = ("tumour", "lymph node"),
    width: float = 16,
) -> Path:
    """PNG of N pairs, a row each: the three views plain, and beside each the same with the mask in colour.

    Args:
        images: Volumes in RAS, (H, W, D) or (1, H, W, D), in HU.
        masks: Labels of the same shapes, or None for images alone.
        path: Of the PNG; written whole or not at all.
        window: HU shown as black and white.
        spacing: Of the voxels in mm, one for all or one for each pair.
        names: Written at the rows.
        label_names: Of label 1, 2, …, in the legend.
        width: Of the picture, in inches (120 pixels each).

    Raises:
        ValueError: no image, or as many masks, spacings or names as there are not images.
    """
    count = len(images)
    spacings = np.asarray(spacing, dtype=float)
    if spacings.ndim == 1:
        spacings = np.tile(spacings, (count, 1))
    for what, values in {"masks": masks, "spacings": spacings, "names": names}.items():
        if values is not None and len(values) != count:
            raise ValueError(f"{count} images, but {len(values)} {what}")
    if not count:
        raise ValueError("no image to show")
    rows = [
        orthogonal_slices(image, mask, spacing=mm)
        for image, mask, mm in zip(images, masks or [None] * count, spacings, strict=True)
    ]
    labels = label_names if masks is not None else ()
    return save_figure(_draw_rows(rows, window, names, labels, width), path)


def montage(
    volume: Any,
    mask: Any = None,
    *,
    path: str | os.PathLike,
    window: Sequence[float] = (-1024, 600),
    spacing: Spacing = (1, 1, 1),
    columns: int | None = None,
    width: float = 12,
) -> Path:
    """PNG of all axial slices in one grid, from the head down, row by row (thesis fig. 5.13).

    Arguments as for `pair_grid`; `columns` defaults to what makes the grid as square as it can be.
    """
    slices = np.moveaxis(_shown(_volume(volume), 2), -1, 0)[::-1]
    depth, height, across = slices.shape
    aspect = (height * spacing[1]) / (across * spacing[0])
    columns = columns or max(1, round((depth * aspect) ** 0.5))
    grid = -(-depth // columns), columns
    figure = dark_figure(width, width * aspect * grid[0] / grid[1])
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    size = (grid[0] * height * spacing[1], grid[1] * across * spacing[0])
    show_slice(axes, _tile(slices, grid, slices.min()), size, window)
    if mask is not None:
        labels = np.moveaxis(_shown(_volume(mask), 2), -1, 0)[::-1]
        overlay_labels(axes, _tile(labels, grid, 0), size)
    return save_figure(figure, path)


def _volume(values: Any) -> np.ndarray:
    array = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    if array.ndim == 4 and len(array) == 1:
        array = array[0]
    if array.ndim != 3:
        raise ValueError(f"expected one volume (H, W, D) or (1, H, W, D), got shape {array.shape}")
    return array


def _shown(volume: np.ndarray, axis: int) -> np.ndarray:
    """RAS volume → (rows, columns, slices along `axis`) as shown: patient's right and front left, head and front up."""
    return np.moveaxis(volume, axis, -1)[::-1, ::-1].swapaxes(0, 1)


def _draw_rows(
    rows: list[list[View]], window: Sequence[float], names: Sequence[str] | None, labels: Sequence[str], width: float
) -> Figure:
    """Panels at one scale, in mm per inch, so that all pictures compare."""
    copies = 2 if labels else 1
    heights = [max(view.size[0] for view in row) for row in rows]
    widths = [max(row[column].size[1] for row in rows) for column in range(len(PLANES))]
    left, top, bottom, gap = (0.35 if names else 0.05), 0.3, (0.4 if labels else 0.05), 0.05
    inch = (width - left - copies * len(widths) * gap) / (copies * sum(widths))  # per mm
    height = top + bottom + sum(heights) * inch + len(rows) * gap
    figure = dark_figure(width, height)
    axes = axes_in_inches(figure)
    y = height - top
    for number, (row, tall) in enumerate(zip(rows, heights, strict=True)):
        y -= tall * inch
        if names:
            figure.text(left / 2 / width, (y + tall * inch / 2) / height, names[number], rotation=90, **_text(10))
        x = left
        for view, wide in zip(row, widths, strict=True):
            if number == 0:
                middle = x + (copies * (wide * inch + gap) - gap) / 2
                figure.text(middle / width, 1 - top / 2 / height, view.plane, **_text(11))
            for overlay in range(copies):
                at = panel_in_inches(axes, (x, y), view.size, (tall, wide), inch)
                _draw_view(axes, view, window, at, overlay=bool(overlay))
                x += wide * inch + gap
        y -= gap
    if labels:
        label_legend(figure, labels)
    return figure


def _draw_view(axes: Axes, view: View, window: Sequence[float], at: Transform, *, overlay: bool) -> None:
    show_slice(axes, view.image, view.size, window, at=at)
    if overlay and view.mask is not None:
        overlay_labels(axes, view.mask, view.size, at=at)
        return
    _, left, top = PLANES[view.plane]
    height, width = view.size
    for x, y, letter, anchor in ((0.02, 0.5, left, {"ha": "left"}), (0.5, 0.98, top, {"va": "top"})):
        text = axes.text(x * width, y * height, letter, transform=at, **_text(8, **anchor))
        text.set_path_effects([withStroke(linewidth=2, foreground="black")])


def _text(size: float, *, ha: str = "center", va: str = "center") -> dict[str, Any]:
    return {"fontsize": size, "color": FOREGROUND, "ha": ha, "va": va}


def _tile(slices: np.ndarray, grid: tuple[int, int], fill: float) -> np.ndarray:
    """(K, rows, columns) → one picture of `grid` (rows, columns) slices, the rest filled."""
    depth, height, across = slices.shape
    padded = np.full((grid[0] * grid[1], height, across), fill, dtype=slices.dtype)
    padded[:depth] = slices
    return padded.reshape(*grid, height, across).swapaxes(1, 2).reshape(grid[0] * height, grid[1] * across)
