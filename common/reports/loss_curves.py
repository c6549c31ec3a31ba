"""Diagram of a run's losses with their exponential moving average."""

import csv
import os
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator
from numpy.typing import ArrayLike
from scipy.signal import lfilter

from .dark_figure import FOREGROUND, MUTED, dark_figure, save_figure, style_axes

RAW, SMOOTH = "#4cc9f0", "#ffd166"


def exponential_moving_average(values: ArrayLike, alpha: float = 0.001) -> np.ndarray:
    """EMA_t = α·x_t + (1 - α)·EMA_{t-1} from EMA_0 = x_0 (thesis eq. 16), (T,) to (T,).

    A run much shorter than 1/α is drawn to its first value, which still weighs (1 - α)^(T-1) at the end. What follows
    a NaN is NaN.

    Raises:
        ValueError: no values, or α outside (0, 1].
    """
    x = np.asarray(values, dtype=float)
    if not x.size or not 0 < alpha <= 1:
        raise ValueError(f"moving average: expected values and 0 < alpha <= 1, got {x.size} and alpha={alpha}")
    return lfilter([alpha], [1, alpha - 1], x, zi=[(1 - alpha) * x[0]])[0]


def read_losses(csv_path: str | os.PathLike) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Steps and each loss's values from a CSV with the columns `step`, then one per loss; NaN where a cell is empty.

    Raises:
        ValueError: another header, no rows, or a row that is not as many numbers; the message names file and line.
    """
    if not Path(csv_path).is_file():
        raise FileNotFoundError(f"no losses at {csv_path}, expected losses.csv of a training: name another, or none")
    with Path(csv_path).open(newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        if len(header) < 2 or header[0] != "step":
            found = repr(",".join(header)[:60])
            raise ValueError(
                f"{csv_path}: expected the header step,<loss>,… in line 1, found {found}: name losses.csv of a training"
            )
        table = [_numbers(row, len(header), f"{csv_path}, line {rows.line_num}") for row in rows if row]
    if not table:
        raise ValueError(f"{csv_path}: no rows below the header; the run has not finished a step")
    step, *losses = np.array(table).T
    return step, dict(zip(header[1:], losses, strict=True))


def plot_losses(csv_path: str | os.PathLike, png_path: str | os.PathLike, *, alpha: float = 0.001) -> Path:
    """PNG with one panel per loss: every step faint, its moving average bright (thesis 3.9.1).

    The vertical axis spans the central 99.6 % of the steps and the whole average, so single spikes may leave it.

    Raises:
        ValueError: a CSV that `read_losses` refuses.
    """
    step, losses = read_losses(csv_path)
    columns = min(3, len(losses))
    rows = -(-len(losses) // columns)
    figure = dark_figure(4.6 * columns, 2.9 * rows + 0.35)
    for number, (name, values) in enumerate(losses.items(), start=1):
        axes = figure.add_subplot(rows, columns, number)
        known = ~np.isnan(values) if np.isfinite(values[0]) else slice(None)
        _draw(axes, step[known], values[known], exponential_moving_average(values[known], alpha), name)
    figure.legend(
        *axes.get_legend_handles_labels(), loc="lower left", ncols=2, frameon=False, labelcolor=FOREGROUND, fontsize=9
    )
    first = (1 - alpha) ** (len(step) - 1)
    if first > 0.05:
        note = f"short run: the average still holds {first:.0%} of the first step"
        figure.text(0.99, 0.012, note, color=MUTED, fontsize=9, ha="right", va="bottom")
    figure.tight_layout(rect=(0, 0.35 / figure.get_figheight(), 1, 1))
    return save_figure(figure, png_path)


def _numbers(row: list[str], columns: int, where: str) -> list[float]:
    try:
        numbers = [float(row[0]), *(float(value or "nan") for value in row[1:])]
        if not any(row[1:]):
            raise ValueError("found no loss")
    except ValueError as error:
        raise ValueError(f"{where}: expected numbers, {error}") from error
    if len(numbers) != columns:
        raise ValueError(f"{where}: expected {columns} values as in the header, found {len(numbers)}")
    return numbers


def _draw(axes: Axes, step: np.ndarray, values: np.ndarray, average: np.ndarray, name: str) -> None:
    marker = "o" if len(step) < 3 else "None"  # a line through one step is not seen
    axes.plot(step, values, marker=marker, markersize=3, color=RAW, alpha=0.4, linewidth=0.7, label="each step")
    axes.plot(step, average, marker=marker, markersize=3, color=SMOOTH, linewidth=1.6, label="moving average")
    axes.text(0.97, 0.94, name, transform=axes.transAxes, color=FOREGROUND, fontsize=12, ha="right", va="top")
    finite = values[np.isfinite(values)]
    if finite.size:
        shown = np.append(np.quantile(finite, [0.002, 0.998]), average[np.isfinite(average)])
        margin = 0.08 * (np.ptp(shown) or max(abs(shown[0]), 1))
        axes.set_ylim(shown.min() - margin, shown.max() + margin)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel("step", color=MUTED, fontsize=9)
    style_axes(axes)
