"""Pictures of a data set: histograms of slices, intensities and lesions, and example cases (thesis 3.2)."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from nibabel.affines import voxel_sizes

from ..data.label_map import to_classes
from ..data.volume_file import open_volume, read_mask
from .dark_figure import COLOURS, FOREGROUND, MUTED, dark_figure, save_figure, style_axes
from .slice_axes import label_colour, label_legend, overlay_labels, show_slice
from .slices import montage, orthogonal_slices

_FLOOR = 1e-6  # share of voxels; what is rarer is noise
_MARKERS, _LINES = ("o", "^", "s", "D"), ("-", "--", ":", "-.")


class GroupStyle(NamedTuple):
    """How a group is drawn: colours come again with another marker and line when they run out."""

    colour: str
    marker: str
    line: str


class Example(NamedTuple):
    """One pair for the pictures: `image` (HU) and `label` in RAS, (H, W, D), `spacing` in mm, thinned to `step`."""

    name: str
    image: np.ndarray
    label: np.ndarray
    spacing: tuple[float, ...]
    step: tuple[int, ...]


def group_styles(groups: Sequence[str]) -> dict[str, GroupStyle]:
    """A style for each different name, in the order of the names."""
    styles: dict[str, GroupStyle] = {}
    for number, name in enumerate(sorted(set(groups))):
        again, colour = divmod(number, len(COLOURS))
        styles[name] = GroupStyle(COLOURS[colour], _MARKERS[again % 4], _LINES[again % 4])
    return styles


def load_example(entry: Mapping[str, Any], *, largest: int = 256) -> Example:
    """Pair of ``entry`` for drawing; an axis above `largest` voxels is thinned to every second, third, … voxel."""
    files = [nib.as_closest_canonical(open_volume(entry[key])) for key in ("image", "label")]
    step = tuple(-(-length // largest) for length in files[0].shape)
    thin = tuple(slice(None, None, every) for every in step)
    image, label = np.asanyarray(files[0].dataobj)[thin].copy(), read_mask(files[1], path=entry["label"])[thin].copy()
    label = to_classes(label, entry.get("label_values"), path=entry["label"])
    spacing = tuple((voxel_sizes(files[0].affine) * step).tolist())
    return Example(f"{entry['centre']} · {entry['case_id']}", image, label, spacing, step)


def plot_slice_counts(slices: Mapping[str, Sequence[int]], *, path: str | os.PathLike, bins: int = 30) -> Path:
    """PNG with a histogram of each centre's numbers of slices, on one axis of slices (thesis fig. 3.2)."""
    everything = np.concatenate([np.asarray(values) for values in slices.values()])
    low, high = everything.min(), everything.max()
    edges = np.linspace(low - 0.5, high + 0.5, min(bins, int(high - low) + 1) + 1)
    margin = max(0.5, 10 - (high - low))  # equal numbers do not fill the picture
    figure = dark_figure(9, 0.9 + 1.2 * len(slices))
    for number, (centre, values) in enumerate(slices.items(), start=1):
        axes = figure.add_subplot(len(slices), 1, number)
        style_axes(axes)
        axes.hist(values, edges.tolist(), color=COLOURS[1], rwidth=0.9)
        axes.set_xlim(edges[0] - margin, edges[-1] + margin)
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.tick_params(labelbottom=number == len(slices))
        _heading(axes, f"{centre} ({len(values)})")
    axes.set_xlabel("slices", color=MUTED, fontsize=10)
    figure.supylabel("cases", color=MUTED, fontsize=10)
    figure.tight_layout()
    return save_figure(figure, path)


def plot_hu_histograms(shares: Mapping[str, np.ndarray], edges: np.ndarray, *, path: str | os.PathLike) -> Path:
    """PNG of each centre's share of voxels per bin of HU, on a logarithmic scale.

    Args:
        shares: Centre to the share of each bin, (B,).
        edges: Of the bins, (B + 1,), in HU.
        path: Of the PNG.
    """
    figure = dark_figure(9, 4.6)
    axes = figure.add_subplot()
    style_axes(axes)
    middles = (edges[:-1] + edges[1:]) / 2
    for centre, style in group_styles(list(shares)).items():
        axes.step(
            middles, shares[centre], where="mid", label=centre, color=style.colour, linestyle=style.line, linewidth=1.2
        )
    filled = np.flatnonzero(np.sum(list(shares.values()), axis=0))
    if filled.size:
        axes.set_xlim(edges[filled[0]] - 50, edges[filled[-1] + 1] + 50)
        axes.set_yscale("log", nonpositive="clip")
        axes.set_ylim(bottom=_FLOOR)
    axes.set_xlabel("HU", color=MUTED, fontsize=10)
    axes.set_ylabel(f"share of voxels per {edges[1] - edges[0]:g} HU", color=MUTED, fontsize=10)
    axes.legend(frameon=False, labelcolor=FOREGROUND, fontsize=9)
    figure.tight_layout()
    return save_figure(figure, path)


def plot_label_volumes(volumes: Mapping[str, Sequence[float]], *, path: str | os.PathLike, bins: int = 24) -> Path:
    """PNG with a histogram of each label's volumes, in ml on one logarithmic axis; cases without it are counted."""
    held = {name: np.asarray([ml for ml in values if ml > 0]) for name, values in volumes.items()}
    everything = np.concatenate(list(held.values()))
    low, high = (everything.min(), everything.max()) if everything.size else (1, 100)
    edges = np.geomspace(low * 0.9, high * 1.1, bins + 1)
    figure = dark_figure(9, 0.9 + 1.8 * len(held))
    for number, (name, values) in enumerate(held.items(), start=1):
        axes = figure.add_subplot(len(held), 1, number)
        style_axes(axes)
        axes.hist(values, edges.tolist(), color=label_colour(number))
        axes.set_xscale("log")
        axes.set_xlim(edges[0], edges[-1])
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        axes.xaxis.set_major_formatter("{x:g}")
        middle = f", median {np.median(values):.3g} ml" if values.size else ""
        _heading(axes, f"{name}: {values.size} of {len(volumes[name])} cases{middle}")
    axes.set_xlabel("ml", color=MUTED, fontsize=10)
    figure.supylabel("cases", color=MUTED, fontsize=10)
    figure.tight_layout()
    return save_figure(figure, path)


def sagittal_overlays(
    examples: Sequence[Example],
    *,
    path: str | os.PathLike,
    label_names: Sequence[str],
    window: Sequence[float] = (-1024, 600),
    columns: int = 3,
) -> Path:
    """PNG of each example's sagittal slice with most mask voxels, the labels outlined (thesis 3.9).

    Args:
        examples: See `load_example`.
        path: Of the PNG.
        label_names: Of label 1, 2, …, in the legend.
        window: HU shown as black and white.
        columns: Pictures in a row.
    """
    views = [orthogonal_slices(e.image, e.label, spacing=e.spacing)[2] for e in examples]
    aspect = max(view.size[0] / view.size[1] for view in views)
    columns = min(columns, len(examples))
    rows = -(-len(examples) // columns)
    figure = dark_figure(4.2 * columns, (4.2 * aspect + 0.3) * rows + 0.4)
    for number, (example, view) in enumerate(zip(examples, views, strict=True), start=1):
        axes = figure.add_subplot(rows, columns, number, facecolor="black")
        show_slice(axes, view.image, view.size, window)
        if view.mask is not None:
            overlay_labels(axes, view.mask, view.size, width=1.2)
        axes.set_axis_off()
        axes.set_title(f"{example.name}, x = {view.index * example.step[0]}", color=FOREGROUND, fontsize=9)
    label_legend(figure, label_names)
    figure.tight_layout(rect=(0, 0.4 / figure.get_figheight(), 1, 1))
    return save_figure(figure, path)


def plot_all_slices(
    example: Example, *, path: str | os.PathLike, window: Sequence[float] = (-1024, 600), largest: int = 128
) -> Path:
    """PNG of all axial slices of `example`, each thinned to `largest` voxels a side (thesis fig. 5.13)."""
    step = [*(-(-length // largest) for length in example.image.shape[:2]), 1]
    thin = tuple(slice(None, None, every) for every in step)
    spacing = tuple(np.multiply(example.spacing, step).tolist())
    return montage(example.image[thin], example.label[thin], path=path, window=window, spacing=spacing)


def _heading(axes: Axes, text: str) -> None:
    axes.set_title(text, color=FOREGROUND, fontsize=10, loc="left")
