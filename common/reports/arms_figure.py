"""An experiment's arms side by side, and the low-data curve."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .dark_figure import COLOURS, FOREGROUND, MUTED, dark_figure, save_figure, style_axes

Row = Mapping[str, Any]


def plot_arms(rows: Sequence[Row], *, path: str | os.PathLike, stamp: str | None = None) -> Path:
    """PNG forest plot: an arm's mean test Dice with its 95 % interval, and its paired difference from the baseline.

    The dashed line is the baseline's mean.

    Args:
        rows: Of `compare_arms`, from top to bottom.
        path: Of the PNG.
        stamp: Warning written across the foot, such as that the generator has seen test cases.

    Raises:
        ValueError: no rows.
    """
    if not rows:
        raise ValueError("no arms to plot")
    figure = dark_figure(11, 0.42 * len(rows) + (1.45 if stamp else 1.2))
    axes = figure.add_subplot()
    style_axes(axes)
    baseline = next((row for row in rows if row["difference"] is None), None)
    heading = ("mean [95 %]", "difference [95 %]", "p (Holm)")
    _write(axes, -0.75, heading, MUTED)
    for y, row in enumerate(rows):
        colour = COLOURS[1] if row is baseline else COLOURS[2]
        if row["low"] is not None:
            axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=2, alpha=0.7, solid_capstyle="round")
        axes.plot(row["mean"], y, "o", color=colour, markersize=6)
        _write(axes, y, _columns(row), FOREGROUND)
    if baseline is not None:
        axes.axvline(baseline["mean"], color=COLOURS[1], linewidth=1, linestyle="--", alpha=0.7)
    axes.set_yticks(range(len(rows)), [row["arm"] for row in rows])
    axes.tick_params(axis="y", labelcolor=FOREGROUND)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("test Dice, mean and 95 % interval", color=MUTED, fontsize=9)
    _finish(figure, stamp)
    return save_figure(figure, path)


def plot_low_data(series: Mapping[str, Sequence[Row]], *, path: str | os.PathLike, stamp: str | None = None) -> Path:
    """PNG of test Dice over the number of real training cases, a line for each series.

    Args:
        series: By name, such as ``real cases alone``: rows with ``real`` (cases, above 0) and ``mean``, ``low``,
            ``high`` as `compare_arms` has them, in any order.
        path: Of the PNG.
        stamp: As for `plot_arms`.

    Raises:
        ValueError: no series, or one without rows.
    """
    if not series or not all(series.values()):
        raise ValueError(
            f"expected rows in each series, found { ({name: len(rows) for name, rows in series.items()}) }"
        )
    figure = dark_figure(7.5, 4.6)
    axes = figure.add_subplot()
    style_axes(axes)
    for number, (name, rows) in enumerate(series.items()):
        colour, line = COLOURS[number % len(COLOURS)], sorted(rows, key=lambda row: row["real"])
        x, mean = [row["real"] for row in line], [row["mean"] for row in line]
        axes.plot(x, mean, color=colour, linewidth=1.6, marker="o", markersize=5, label=name)
        known = [row for row in line if row["low"] is not None]
        low, high = ([row[end] for row in known] for end in ("low", "high"))
        axes.fill_between([row["real"] for row in known], low, high, color=colour, alpha=0.15, linewidth=0)
    cases = sorted({row["real"] for rows in series.values() for row in rows})
    axes.set_xscale("log")  # a doubling is a step of one width, wherever it begins
    axes.set_xticks(cases, [str(number) for number in cases])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("real training cases", color=MUTED, fontsize=9)
    axes.set_title("test Dice, mean and 95 % interval over cases and seeds", color=FOREGROUND, fontsize=11)
    axes.legend(frameon=False, labelcolor=FOREGROUND, fontsize=9, loc="lower right")
    _finish(figure, stamp)
    return save_figure(figure, path)


def _write(axes: Axes, y: float, columns: tuple[str, ...], colour: str) -> None:
    text = "{:<22}{:<26}{}".format(*columns)
    axes.text(
        1.02, y, text, transform=axes.get_yaxis_transform(), color=colour, fontsize=8, family="monospace", va="center"
    )


def _columns(row: Row) -> tuple[str, ...]:
    """`0.522 [0.480, 0.560]`, `+0.035 [+0.010, +0.060]`, `0.012`."""
    mean = _value(row, "mean", "low", "high", ".3f")
    if row["difference"] is None:
        return mean, "baseline", ""
    difference = _value(row, "difference", "difference_low", "difference_high", "+.3f")
    return mean, difference, "< 0.001" if row["p_holm"] < 0.001 else f"{row['p_holm']:.3f}"


def _value(row: Row, value: str, low: str, high: str, form: str) -> str:
    text = format(row[value], form)
    return text if row[low] is None else f"{text} [{row[low]:{form}}, {row[high]:{form}}]"


def _finish(figure: Figure, stamp: str | None) -> None:
    if stamp:
        figure.text(0.01, 0.01, stamp, color=COLOURS[0], fontsize=9, ha="left", va="bottom")
    figure.tight_layout(rect=(0, 0.25 / figure.get_figheight() if stamp else 0, 1, 1))
