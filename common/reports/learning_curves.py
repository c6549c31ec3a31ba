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
    runs: Mapping[str, str | os.PathLike],
    *,
    path: str | os.PathLike,
    steps_per_epoch: int | None = None,
    alpha: float = 0.01,
    loss: str | None = None,
    mean: bool = True,
) -> Path:
    """PNG of two panels: validation Dice over epochs, and the moving average of the training loss; a line a run.

    A dot marks each run's best epoch. Of several folds of one training the mean Dice is drawn in white at the epochs
    at which all validated (thesis fig. 5.23–5.26).

    Args:
        runs: Output folder by name, with ``validation.csv`` and ``losses.csv``.
        path: Of the PNG.
        steps_per_epoch: Puts the loss over epochs too; over steps without it.
        alpha: Of the loss's moving average.
        loss: Column of ``losses.csv``; its first loss by default.
        mean: Draw the mean; runs of different trainings have none.

    Raises:
        ValueError: no runs, a CSV that `read_validation` or `read_losses` refuses, or no such loss in it.
        FileNotFoundError: a run without one of its files.
    """
    if not runs:
        raise ValueError("no run to draw")
    figure = dark_figure(12, 4.2)
    dice_axes, loss_axes = figure.subplots(1, 2)
    curves = {name: read_validation(Path(folder) / VALIDATION) for name, folder in runs.items()}
    for number, (name, folder) in enumerate(runs.items()):
        colour = COLOURS[number % len(COLOURS)]
        _draw_dice(dice_axes, *curves[name], name, colour)
        step, values = _loss(Path(folder) / LOSSES, loss)
        _draw_loss(loss_axes, step / (steps_per_epoch or 1), values, alpha, colour)
    if mean:
        _draw_mean(dice_axes, list(curves.values()))
    _label(dice_axes, "epoch", "validation Dice")
    _label(loss_axes, "epoch" if steps_per_epoch else "step", f"training loss (moving average, α = {alpha:g})")
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


def _loss(csv_path: Path, name: str | None) -> tuple[np.ndarray, np.ndarray]:
    step, losses = read_losses(csv_path)
    name = name or next(iter(losses))
    if name not in losses:
        raise ValueError(f"{csv_path}: no loss '{name}', there are {list(losses)}")
    return step, losses[name]


def _draw_dice(axes: Axes, epoch: np.ndarray, dice: np.ndarray, name: str, colour: str) -> None:
    point = {"marker": "o", "markersize": 3} if len(epoch) < 3 else {}
    known = ~np.isnan(dice)
    label = name
    if known.any():
        best = int(np.nanargmax(dice))
        axes.plot(epoch[best], dice[best], "o", color=colour, markersize=6)
        label = f"{name}: best {dice[best]:.3f} at epoch {epoch[best]:g}"
    axes.plot(epoch[known], dice[known], color=colour, linewidth=1.2, alpha=0.8, label=label, **point)


def _draw_mean(axes: Axes, curves: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Over the epochs that all runs validated."""
    tables = [dict(zip(epoch, dice, strict=True)) for epoch, dice in curves]
    shared = sorted(set(tables[0]).intersection(*tables[1:]))
    if len(tables) > 1 and shared:
        mean = [np.mean([table[epoch] for table in tables]) for epoch in shared]
        axes.plot(shared, mean, color=FOREGROUND, linewidth=2.2, label=f"mean of {len(tables)}")


def _draw_loss(axes: Axes, x: np.ndarray, values: np.ndarray, alpha: float, colour: str) -> None:
    known = np.isfinite(values)
    if known.any():
        axes.plot(x[known], exponential_moving_average(values[known], alpha), color=colour, linewidth=1.2)


def _label(axes: Axes, x: str, title: str) -> None:
    style_axes(axes)
    axes.set_title(title, color=FOREGROUND, fontsize=11)
    axes.set_xlabel(x, color=MUTED, fontsize=9)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
