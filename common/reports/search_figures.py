"""Figures of a hyperparameter search: importance of its keys, parallel coordinates of its trials."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.ticker import NullLocator

from .dark_figure import COLOURS, FOREGROUND, MUTED, dark_figure, save_figure, style_axes

Row = Mapping[str, Any]
_LIST = 12  # values of a key that get a line of their own; a longer list of numbers is an axis of numbers


def plot_importance(importance: Mapping[str, float], *, path: str | os.PathLike) -> Path:
    """PNG with a bar for each key, the most important on top.

    Args:
        importance: Share of the objective's variance, by key.
        path: Of the PNG.

    Raises:
        ValueError: There are no keys.
    """
    if not importance:
        raise ValueError("no importance to plot")
    figure = dark_figure(8, 0.8 + 0.4 * len(importance))
    axes = figure.add_subplot()
    style_axes(axes)
    shares = sorted(importance.items(), key=lambda item: item[1])
    axes.barh([key for key, _ in shares], [share for _, share in shares], color=COLOURS[1], height=0.6)
    axes.set_xlabel("share of the objective's variance (fANOVA)", color=FOREGROUND)
    axes.tick_params(axis="y", labelcolor=FOREGROUND)
    axes.set_xlim(0, 1)
    figure.tight_layout()
    return save_figure(figure, path)


def plot_parallel(
    rows: Sequence[Row], keys: Sequence[str], *, objective: str, path: str | os.PathLike, best: Row | None = None
) -> Path:
    """PNG of parallel coordinates: an axis for each key and one for the objective, a line for each complete trial.

    Numbers that span more than two decades lie on a logarithmic axis; equal values of a list are drawn slightly apart,
    in the order of the objective.

    Args:
        rows: Of `Search.rows`.
        keys: Axes, from left to right.
        objective: Name of the last axis, whose value is ``value``.
        path: Of the PNG.
        best: Trial that is drawn on top, in red.

    Raises:
        ValueError: No trial is complete, or there are no keys.
    """
    rows = sorted((row for row in rows if row["state"] == "complete"), key=lambda row: row["value"])
    if not rows or not keys:
        raise ValueError("parallel coordinates need complete trials and keys")
    scales = [_scale([row[key] for row in rows]) for key in keys] + [_numbers([row["value"] for row in rows])]
    heights = np.stack([places for places, _ in scales], axis=1)  # (trials, axes) in [0, 1]
    figure = dark_figure(2 + 1.8 * len(scales), 5)
    axes = figure.add_subplot()
    _draw_axes(axes, [*keys, objective], [ticks for _, ticks in scales])
    values = np.array([row["value"] for row in rows])
    colours = ScalarMappable(Normalize(values.min(), values.max()), colormaps["viridis"])
    lines = [list(enumerate(line)) for line in heights]
    axes.add_collection(LineCollection(lines, colors=colours.to_rgba(values), linewidths=1.2, alpha=0.8))
    if best is not None:
        number = next(index for index, row in enumerate(rows) if row["trial"] == best["trial"])
        axes.plot(heights[number], color=COLOURS[0], linewidth=2.5, marker="o", markersize=4)
    figure.tight_layout()
    return save_figure(figure, path)


def _scale(values: Sequence[Any]) -> tuple[np.ndarray, dict[str, float]]:
    """Heights in [0, 1] of the values, and those of the axis's ticks."""
    distinct = list({str(value): value for value in values}.values())
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in distinct)
    if numeric and len(distinct) > _LIST:
        return _numbers(values)
    names = [str(value) for value in (sorted(distinct) if numeric else sorted(distinct, key=str))]
    levels = np.linspace(0, 1, len(names)) if len(names) > 1 else np.array([0.5])
    ticks = dict(zip(names, levels.tolist(), strict=True))
    places = np.array([ticks[str(value)] for value in values])
    apart = 0.3 / max(2, len(names)) * np.linspace(-1, 1, len(values)) if len(values) > 1 else 0
    return places + apart, ticks


def _numbers(values: Sequence[float]) -> tuple[np.ndarray, dict[str, float]]:
    numbers = np.asarray(values, dtype=float)
    low, high = numbers.min(), numbers.max()
    if low > 0 and high / low > 100:
        places, ticks = _numbers(np.log10(numbers))
        return places, {f"{10 ** float(tick):.3g}": height for tick, height in ticks.items()}
    if low == high:
        return np.full(len(numbers), 0.5), {f"{low:.4g}": 0.5}
    ticks = {f"{low + part * (high - low):.4g}": part for part in (0, 0.25, 0.5, 0.75, 1)}
    return (numbers - low) / (high - low), ticks


def _draw_axes(axes: Axes, names: Sequence[str], ticks: Sequence[Mapping[str, float]]) -> None:
    style_axes(axes)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_xlim(-0.3, len(names) - 0.4)
    axes.set_ylim(-0.2, 1.2)
    axes.yaxis.set_major_locator(NullLocator())
    axes.set_xticks(range(len(names)), names)
    axes.tick_params(axis="x", labelcolor=FOREGROUND, length=0, pad=8)
    for place, labels in enumerate(ticks):
        axes.axvline(place, color=MUTED, linewidth=1)
        for text, height in labels.items():
            axes.text(place + 0.03, height, text, color=FOREGROUND, fontsize=8, va="center")
