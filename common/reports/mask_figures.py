"""Figures of mask realism and memorisation: histograms, position heat maps, nearest distances."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..metrics.mask_statistics import UNITS
from .dark_figure import BACKGROUND, COLOURS, FOREGROUND, MUTED, dark_figure, save_figure, style_axes
from .slices import PLANES

Rows = Sequence[Mapping[str, float]]
REAL, GENERATED = COLOURS[1], COLOURS[0]
_COUNTED = ("present", "frequency")  # a table tells these better than a histogram


def statistic_histograms(
    real_rows: Rows, generated_rows: Rows, *, path: str | os.PathLike, region: str = "foreground", columns: int = 4
) -> Path:
    """PNG of one histogram a statistic of `region`, real and generated cases on the same bins.

    Args:
        real_rows: Of `mask_statistics`.
        generated_rows: The same.
        path: Of the PNG.
        region: ``foreground`` or ``label_<value>``.
        columns: Of panels.

    Raises:
        ValueError: No rows on a side, or rows without such a region.
    """
    names = [name for name in UNITS if name not in _COUNTED]
    if not real_rows or not generated_rows or f"{region}/{names[0]}" not in real_rows[0]:
        known = sorted({key.split("/")[0] for rows in (real_rows, generated_rows) for row in rows[:1] for key in row})
        raise ValueError(f"no statistics of '{region}' to draw on both sides, found {known or 'no cases'}")
    lines = -(-len(names) // columns)
    figure = dark_figure(3.4 * columns, 2.4 * lines + 0.35)
    for number, name in enumerate(names, start=1):
        axes = figure.add_subplot(lines, columns, number)
        key = f"{region}/{name}"
        values = [np.array([row[key] for row in rows]) for rows in (real_rows, generated_rows)]
        _histograms(axes, values, labels=("real", "generated"))
        axes.set_title(name.replace("_", " ").replace("hu", "HU"), color=FOREGROUND, fontsize=10)
        axes.set_xlabel(UNITS[name], color=MUTED, fontsize=8)
    _legend(figure, axes)
    return save_figure(figure, path)


def position_maps(real_maps: np.ndarray, generated_maps: np.ndarray, *, path: str | os.PathLike) -> Path:
    """PNG of where masks lie in the body: mean map of the real and the generated cases, and their difference.

    Three planes, each summed along its axis; the patient's right at the left of the axial and coronal maps, the front
    at the top of the axial and at the left of the sagittal ones. Shares of the mask in percent; real and generated on
    one scale.

    Args:
        real_maps: Of `occupancy`, (N, X, Y, Z) in RAS; cases of NaN have no mask and are left out.
        generated_maps: (M, X, Y, Z).
        path: Of the PNG.

    Raises:
        ValueError: A side has no case with a mask, or the grids differ.
    """
    real, generated = (_mean_map(maps) for maps in (real_maps, generated_maps))
    if real.shape != generated.shape:
        raise ValueError(f"position maps: the real grid is {real.shape}, the generated {generated.shape}")
    sides = {"real": real, "generated": generated, "generated − real": generated - real}
    more_or_less = LinearSegmentedColormap.from_list("difference", (REAL, BACKGROUND, GENERATED))
    figure = dark_figure(3.2 * len(sides) + 0.6, 3 * len(PLANES) + 0.5)
    grid = figure.add_gridspec(len(PLANES), len(sides), left=0.06, right=0.94, top=0.94, bottom=0.05, wspace=0.3)
    for row, (plane, (axis, left, top)) in enumerate(PLANES.items()):
        # percent summed along the axis, as shown: the patient's right and front left, head and front up
        pictures = [100 * volume.sum(axis=axis)[::-1, ::-1].T for volume in sides.values()]
        scale = Normalize(0, max(pictures[0].max(), pictures[1].max()))
        widest = np.abs(pictures[2]).max() or 1
        for column, (title, picture) in enumerate(zip(sides, pictures, strict=True)):
            axes = figure.add_subplot(grid[row, column])
            if column < 2:
                _heat_map(axes, picture, scale, "inferno")
            else:
                _heat_map(axes, picture, Normalize(-widest, widest), more_or_less)
            axes.set_ylabel(left, color=MUTED, fontsize=9, rotation=0, labelpad=8)
            axes.set_title(f"{plane}, {title}\n{top}" if column == 0 else f"{title}\n{top}", color=MUTED, fontsize=9)
    note = "percent of the mask's voxels in each column of cells of the body's box"
    figure.text(0.06, 0.015, note, color=MUTED, fontsize=9)
    return save_figure(figure, path)


def nearest_distances(
    generated: np.ndarray, held_out: np.ndarray, *, threshold: float, path: str | os.PathLike, space: str = "features"
) -> Path:
    """PNG of the distances to the nearest training case, generated against held-out, with the copies' threshold.

    Args:
        generated: Of `Memorisation`, (M,).
        held_out: The same, (H,).
        threshold: Quantile of `held_out` below which a sample counts as a copy.
        path: Of the PNG.
        space: That the distances are taken in, for the axis.

    Raises:
        ValueError: A side has no distance.
    """
    if not len(generated) or not len(held_out):
        raise ValueError(f"got {len(generated)} generated and {len(held_out)} held-out distances to draw")
    figure = dark_figure(7, 3.6)
    axes = figure.add_subplot()
    values = [np.asarray(held_out, dtype=float), np.asarray(generated, dtype=float)]
    _histograms(axes, values, labels=(f"held-out, n = {len(held_out)}", f"generated, n = {len(generated)}"))
    axes.axvline(threshold, color=COLOURS[2], linestyle="--", linewidth=1.4, label="threshold of a copy")
    axes.set_xlabel(f"distance to the nearest training case ({space})", color=MUTED, fontsize=9)
    axes.set_ylabel("share of cases", color=MUTED, fontsize=9)
    _legend(figure, axes)
    return save_figure(figure, path)


def _histograms(axes: Axes, values: Sequence[np.ndarray], *, labels: Sequence[str]) -> None:
    """Shares of each set on common bins; NaN left out."""
    known = [each[np.isfinite(each)] for each in values]
    everything = np.concatenate(known)
    if everything.size:
        edges = np.histogram_bin_edges(everything, bins="rice").tolist()
        for each, colour, label in zip(known, (REAL, GENERATED), labels, strict=True):
            weights = np.full(each.size, 1 / max(each.size, 1))
            axes.hist(each, edges, weights=weights, color=colour, alpha=0.3)
            axes.hist(each, edges, weights=weights, color=colour, histtype="step", linewidth=1.4, label=label)
    else:
        axes.text(0.5, 0.5, "no case has it", transform=axes.transAxes, color=MUTED, ha="center")
    style_axes(axes)
    axes.xaxis.set_major_locator(MaxNLocator(5))


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    columns = len(labels) or 1
    figure.legend(handles, labels, loc="lower left", ncols=columns, frameon=False, labelcolor=FOREGROUND, fontsize=9)
    figure.tight_layout(rect=(0, 0.35 / figure.get_figheight(), 1, 1))


def _mean_map(maps: np.ndarray) -> np.ndarray:
    known = maps[~np.isnan(maps).any(axis=(1, 2, 3))]
    if not len(known):
        raise ValueError(f"position maps: none of {len(maps)} cases on a side has a mask")
    return known.mean(axis=0)


def _heat_map(axes: Axes, picture: np.ndarray, scale: Normalize, colours: str | Colormap) -> None:
    axes.imshow(picture, cmap=colours, norm=scale, aspect="auto", interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    bar = axes.figure.colorbar(ScalarMappable(scale, colours), ax=axes, fraction=0.05, pad=0.03)
    bar.ax.tick_params(colors=MUTED, labelsize=7)
    bar.outline.set_visible(False)
