"""Scores beside their real-vs-real floors."""

import os
from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ..metrics.comparison import ScoreRow
from .dark_figure import COLOURS, FOREGROUND, MUTED, dark_figure, save_figure, style_axes

Rows = Mapping[str, ScoreRow]


def plot_scores(rows: Rows, *, path: str | os.PathLike) -> Path:
    """PNG with a row of panels for each extractor, a panel for each score and a line for each view.

    A line shows the matched score and the floor, both with their ranges; without them the value and its interval.

    Args:
        rows: Of `compare`, by ``score/view/extractor``.
        path: Of the PNG.

    Raises:
        ValueError: There are no rows.
    """
    if not rows:
        raise ValueError("no scores to plot")
    scores, views, extractors = (
        list(dict.fromkeys(parts)) for parts in zip(*(key.split("/") for key in rows), strict=True)
    )
    figure = dark_figure(2.1 * len(scores) + 1.2, len(extractors) * (0.9 + 0.3 * len(views)))
    for row, extractor in enumerate(extractors):
        for column, score in enumerate(scores):
            axes = figure.add_subplot(len(extractors), len(scores), row * len(scores) + column + 1)
            lines = {view: rows[key] for view in views if (key := f"{score}/{view}/{extractor}") in rows}
            _panel(axes, lines, labels=column == 0)
            axes.set_title(score if column else f"{extractor}: {score}", color=FOREGROUND, fontsize=10)
    figure.tight_layout()
    return save_figure(figure, path)


def _panel(axes: Axes, lines: Rows, *, labels: bool) -> None:
    style_axes(axes)
    for y, row in enumerate(lines.values()):
        floor, shown = row.get("floor"), row.get("matched") or row
        if floor:
            _mark(axes, floor["value"], floor["interval"], y + 0.12, COLOURS[1])
        _mark(axes, shown["value"], shown["interval"], y - 0.12, COLOURS[0])
    axes.set_yticks(range(len(lines)), lines if labels else [""] * len(lines))
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(colors=MUTED, labelsize=8)


def _mark(axes: Axes, value: float | None, interval: list[float] | None, y: float, colour: str) -> None:
    if value is None:
        return
    if interval is not None:
        axes.plot(interval, [y, y], color=colour, linewidth=2, alpha=0.6)
    axes.plot(value, y, marker="o", markersize=4, color=colour)
