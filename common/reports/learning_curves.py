"""Learning curves of segmentation runs: validation Dice and training loss."""

import csv
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator

from .dark_figure import COLOURS, FOREGROUND, MUTED, dark_figure, save_figure, style_axes
from .loss_curves import exponential_moving_average, read_losses

VALIDATION, LOSSES = "validation.csv", "losses.csv"


def read_validation(csv_path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    """Epochs and mean Dice from a CSV with the columns `epoch` and `dice`, and maybe others.

    Raises:
        ValueError: another header, no rows, or a row without the two numbers; the message names file and line.
    """
    with Path(csv_path).open(newline="") as file:
        rows = csv.DictReader(file)
        if not {"epoch", "dice"} <= set(rows.fieldnames or ()):
            found = ",".join(rows.fieldnames or ())
            raise ValueError(f"{csv_path}: expected the columns epoch and dice in line 1, found {found!r}")
        table = [_numbers(row, f"{csv_path}, line {rows.line_num}") for row in rows]
    if not table:
        raise ValueError(f"{csv_path}: no rows below the header; the run has not validated yet")
    epoch, dice = np.array(table).T
    return epoch, dice


def plot_learning_curves(
    runs: Mapping[str, str | os.PathLike], *, path: str | os.PathLike, alpha: float = 0.01
) -> Path:
    """PNG of two panels: validation Dice over epochs, moving average of the first training loss over steps.

    Each run is a line; a dot marks its best epoch (thesis fig. 5.23–5.26).

    Args:
        runs: Output folder by name, with ``validation.csv`` and ``losses.csv``.
        path: Of the PNG.
        alpha: Of the loss's moving average.

    Raises:
        ValueError: no runs, or a CSV that `read_validation` or `read_losses` refuses.
        FileNotFoundError: a run without one of its files.
    """
    if not runs:
        raise ValueError("no run to draw")
    figure = dark_figure(12, 4.2)
    dice_axes, loss_axes = figure.subplots(1, 2)
    for number, (name, folder) in enumerate(runs.items()):
        colour = COLOURS[number % len(COLOURS)]
        _draw_dice(dice_axes, *read_validation(Path(folder) / VALIDATION), name, colour)
        step, losses = read_losses(Path(folder) / LOSSES)
        first = next(iter(losses.values()))
        known = np.isfinite(first)
        if known.any():
            average = exponential_moving_average(first[known], alpha)
            loss_axes.plot(step[known], average, color=colour, linewidth=1.2)
    _label(dice_axes, "epoch", "validation Dice")
    _label(loss_axes, "step", f"training loss (moving average, α = {alpha:g})")
    dice_axes.legend(frameon=False, labelcolor=FOREGROUND, fontsize=9, loc="lower right")
    figure.tight_layout()
    return save_figure(figure, path)


def _numbers(row: Mapping[str, str], where: str) -> tuple[float, float]:
    try:
        return float(row["epoch"]), float(row["dice"])
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{where}: expected an epoch and a Dice, found {row['epoch']!r} and {row['dice']!r}"
        ) from error


def _draw_dice(axes: Axes, epoch: np.ndarray, dice: np.ndarray, name: str, colour: str) -> None:
    known = ~np.isnan(dice)
    label = name
    if known.any():
        best = int(np.nanargmax(dice))
        axes.plot(epoch[best], dice[best], "o", color=colour, markersize=6)
        label = f"{name}: best {dice[best]:.3f} at epoch {epoch[best]:g}"
    marker = "o" if len(epoch) < 3 else "None"  # a line through one epoch is not seen
    axes.plot(
        epoch[known], dice[known], color=colour, marker=marker, markersize=3, linewidth=1.2, alpha=0.8, label=label
    )


def _label(axes: Axes, x: str, title: str) -> None:
    style_axes(axes)
    axes.set_title(title, color=FOREGROUND, fontsize=11)
    axes.set_xlabel(x, color=MUTED, fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
