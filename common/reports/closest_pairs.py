"""Generated samples beside the training cases they are nearest to: copies show at a glance."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
from matplotlib.figure import Figure
from nibabel.affines import voxel_sizes

from ..data.label_map import to_classes
from ..data.volume_file import open_volume, read_mask
from .dark_figure import FOREGROUND, MUTED, dark_figure, save_figure
from .slice_axes import fit_panel, label_colour, outline, show_slice
from .slices import PLANES, View, orthogonal_slices

_HEAD, _CAPTION, _GAP, _MIDDLE = 0.3, 0.28, 0.05, 0.4  # inches


class ClosestPair(NamedTuple):
    """A generated case and its nearest training case, entries with ``case_id``, ``image`` and, if any, ``label``."""

    generated: Mapping[str, Any]
    training: Mapping[str, Any]
    distance: float


def closest_pairs(
    pairs: Sequence[ClosestPair],
    *,
    path: str | os.PathLike,
    count: int = 4,
    window: tuple[float, float] = (-1024, 600),
    width: float = 16,
) -> Path:
    """PNG of the `count` closest pairs, the nearest first: three planes of the sample, then of the training case.

    Masks are outlined; each side shows the slices with most of its own mask. Only the files that are shown are read.

    Args:
        pairs: With absolute paths of NIfTI files in HU; any orientation.
        path: Of the PNG.
        count: Rows at most.
        window: HU shown as black and white.
        width: Of the picture, in inches.

    Raises:
        ValueError: No pair, or image and mask of a case differ in shape.
    """
    if not pairs or count < 1:
        raise ValueError(f"closest pairs: got {len(pairs)} pairs to show {count} of")
    shown = sorted(pairs, key=lambda pair: pair.distance)[:count]
    rows = [(_views(pair.generated), _views(pair.training)) for pair in shown]
    return save_figure(_draw(rows, shown, window, width), path)


def _views(entry: Mapping[str, Any]) -> list[View]:
    files = [nib.as_closest_canonical(open_volume(entry[key])) for key in ("image", "label") if entry.get(key)]
    masks = [to_classes(read_mask(file), entry.get("label_values"), path=entry["label"]) for file in files[1:]]
    volumes = [np.asanyarray(files[0].dataobj), *masks]
    return orthogonal_slices(*volumes[:2], spacing=voxel_sizes(files[0].affine).tolist())


def _draw(
    rows: list[tuple[list[View], list[View]]], pairs: Sequence[ClosestPair], window: tuple[float, float], width: float
) -> Figure:
    """Six panels a row at one scale, in mm per inch."""
    panels = [[*left, *right] for left, right in rows]
    widths = [max(view.size[1] for view in column) for column in zip(*panels, strict=True)]
    heights = [max(view.size[0] for view in row) for row in panels]
    half = len(PLANES)
    inch = (width - len(widths) * _GAP - _MIDDLE) / sum(widths)  # per mm
    height = _HEAD + sum(tall * inch + _CAPTION for tall in heights)
    figure = dark_figure(width, height)
    middle = (sum(widths[:half]) * inch + half * _GAP + _MIDDLE / 2) / width
    y = height - _HEAD
    for x, title in ((middle / 2, "generated"), ((1 + middle) / 2, "nearest training case")):
        figure.text(x, 1 - _HEAD / 2 / height, title, color=FOREGROUND, fontsize=12, ha="center", va="center")
    for row, tall, pair in zip(panels, heights, pairs, strict=True):
        y -= tall * inch
        x = _GAP
        for column, (view, wide) in enumerate(zip(row, widths, strict=True), start=1):
            axes = figure.add_axes((x / width, y / height, wide * inch / width, tall * inch / height))
            show_slice(axes, view.image, view.size, window)
            for label in np.unique(view.mask[view.mask > 0]).astype(int) if view.mask is not None else ():
                outline(axes, view.mask == label, view.size, label_colour(label))
            fit_panel(axes, view.size, (tall, wide))
            axes.set_axis_off()
            x += wide * inch + (_MIDDLE if column == half else _GAP)
        y -= _CAPTION
        captions = (f"{pair.generated['case_id']}   distance {pair.distance:.4g}", pair.training["case_id"])
        for x, caption in zip((middle / 2, (1 + middle) / 2), captions, strict=True):
            figure.text(x, (y + _CAPTION / 2) / height, caption, color=MUTED, fontsize=10, ha="center", va="center")
    return figure
