"""The curve of every arm of an experiment in a small panel of its own, and whether it had converged."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.ticker import MaxNLocator

from ..metrics.convergence import Convergence, judge_convergence
from .dark_figure import COLOURS, FOREGROUND, MUTED, dark_figure, save_figure, style_axes
from .learning_curves import LOSSES, VALIDATION, read_validation
from .loss_curves import read_losses

_BINS = 30  # that the losses of all steps are averaged into, as many points as validations have
_FLAT_LOSS = 0.02  # of its level: a fall of the loss that does not count
_COLUMNS = 4
_STATES = {"converged": COLOURS[3], "still rising": COLOURS[0], "unknown": MUTED}


@dataclass(frozen=True)
class ArmCurve:
    """Curves of an arm's trainings.

    Attributes:
        of: What they are.
        x: Epochs of the validations, or steps (N,).
        runs: Values of each training (R, N).
        convergence: Of their mean.
    """

    of: Literal["validation Dice", "training loss"]
    x: np.ndarray
    runs: np.ndarray
    convergence: Convergence


def read_arm_curve(folders: Sequence[Path]) -> ArmCurve | None:
    """Validation Dice of an arm's trainings, or where nothing validates their loss; None where nothing was written."""
    if all((folder / VALIDATION).is_file() for folder in folders):
        curves = [read_validation(folder / VALIDATION) for folder in folders]
        points = min(len(epoch) for epoch, _ in curves)
        x, runs = curves[0][0][:points], np.array([dice[:points] for _, dice in curves])
        known = np.isfinite(runs).all(axis=0)
        return ArmCurve("validation Dice", x, runs, judge_convergence(x[known], runs[:, known].mean(axis=0)))
    if not all((folder / LOSSES).is_file() for folder in folders):
        return None
    losses = [read_losses(folder / LOSSES) for folder in folders]
    steps = min(len(step) for step, _ in losses)
    bins = np.array_split(np.arange(steps), min(steps, _BINS))
    x = np.array([losses[0][0][part].mean() for part in bins])
    runs = np.array([[next(iter(loss.values()))[part].mean() for part in bins] for _, loss in losses])
    mean = runs.mean(axis=0)
    level = abs(mean[-max(1, len(mean) // 3) :].mean()) or 1.0
    return ArmCurve("training loss", x, runs, judge_convergence(x, -mean / level, flat=_FLAT_LOSS))


def plot_convergence(curves: Mapping[str, ArmCurve], *, path: str | os.PathLike) -> Path:
    """PNG of a panel an arm: each training faint, their mean bright, the third that was judged shaded.

    Args:
        curves: By arm.
        path: Of the PNG.

    Raises:
        ValueError: No curves.
    """
    if not curves:
        raise ValueError("no curve to draw")
    columns = min(_COLUMNS, len(curves))
    rows = -(-len(curves) // columns)
    figure = dark_figure(3.1 * columns, 2.4 * rows)
    for number, (name, curve) in enumerate(curves.items(), start=1):
        axes = figure.add_subplot(rows, columns, number)
        style_axes(axes)
        for run in curve.runs:
            axes.plot(curve.x, run, color=COLOURS[1], linewidth=0.8, alpha=0.4)
        axes.plot(curve.x, curve.runs.mean(axis=0), color=COLOURS[2], linewidth=1.6)
        found = curve.convergence
        axes.axvspan(curve.x[-max(1, found.points)], curve.x[-1], color=MUTED, alpha=0.12, linewidth=0)
        axes.set_title(name, color=FOREGROUND, fontsize=9)
        state = {"still rising": "still falling"}.get(found.state, found.state) if "loss" in curve.of else found.state
        where = (0.97, 0.06) if "Dice" in curve.of else (0.97, 0.86)
        axes.text(*where, state, transform=axes.transAxes, color=_STATES[found.state], fontsize=8, ha="right")
        axes.set_xlabel(f"{curve.of}, over {'epochs' if 'Dice' in curve.of else 'steps'}", color=MUTED, fontsize=8)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    figure.tight_layout()
    return save_figure(figure, path)
