"""The page of a reader study's results."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from sklearn.metrics import roc_curve

from ..reports.dark_figure import BACKGROUND, COLOURS, FOREGROUND, MUTED, dark_figure, save_figure
from ..reports.page import Page
from .answers import HIGHEST, UNDECIDED
from .statistics import Discrimination, StudyStatistics, volume_means
from .store import AnswerRow

_SIDE_COLOURS = {"real": COLOURS[1], "generated": COLOURS[0]}
_COLUMNS = {
    "mean_real": "mean, real",
    "mean_generated": "mean, generated",
    "decided": "decided answers",
    "accuracy": "accuracy",
    "accuracy_interval": "95 % interval",
    "accuracy_p": "p against guessing",
    "auc": "ROC AUC",
    "mann_whitney_u": "Mann–Whitney U",
    "mann_whitney_p": "p",
}


def write_results_page(
    rows: Sequence[AnswerRow], statistics: StudyStatistics, path: str | Path, *, settings: Mapping[str, Any], count: int
) -> Path:
    """Self-contained HTML page at `path`.

    Args:
        rows: Answers, see `Store.all_answers`.
        statistics: See `study_statistics`.
        path: Of the page.
        settings: Of the study.
        count: Of its volumes.
    """
    readers = statistics["readers"]
    page = Page("Reader study", subtitle=f"{len(readers)} readers, {count} volumes, {len(rows)} answers")
    page.text("Scores run from 0, surely real, to 10, surely generated; 5 decides nothing and is left out of accuracy.")
    page.section("Readers")
    answered = {name: sum(row["reader"] == name for row in rows) for name in readers}
    page.table(
        [{"reader": name, "answered": f"{answered[name]} of {count}", **_named(readers[name])} for name in readers]
        + [{"reader": "all answers", **_named(statistics["pooled"])}]
        + [{"reader": "means of volumes", **_named(statistics["volume_means"])}],
        caption="Intervals: Clopper–Pearson. An area of 0.5 means that real and generated could not be told apart.",
    )
    page.text(
        "Answers of several readers to one volume depend on each other, so the interval and p of all answers are too "
        "narrow; those of the volumes' means are not."
    )
    page.section("Agreement")
    alphas = {
        "scores (ordinal)": statistics["agreement"]["alpha_scores"],
        "real or generated (nominal)": statistics["agreement"]["alpha_verdicts"],
    }
    page.table(
        [{name: "needs two readers who differ" if value is None else value for name, value in alphas.items()}],
        caption="Krippendorff's alpha: 1 is agreement, 0 chance.",
    )
    with TemporaryDirectory() as folder:
        page.section("ROC")
        page.figure(draw_roc(rows, Path(folder) / "roc.png"), caption="Finding generated volumes by the score.")
        page.section("Volumes")
        page.figure(draw_scores(rows, Path(folder) / "scores.png"), caption="Scores: one dot a reader, bar the mean.")
    page.table(volume_means(rows))
    if commented := [row for row in rows if row["comment"]]:
        page.section("Comments")
        columns = ("number", "source", "reader", "score", "comment")
        page.table([{column: row.get(column) for column in columns} for row in commented])
    page.section("Protocol")
    page.table([{"setting": key, "value": str(value)} for key, value in settings.items()])
    return page.write(path)


def _named(values: Discrimination) -> dict[str, Any]:
    return {title: values.get(key) for key, title in _COLUMNS.items()}


def draw_roc(rows: Sequence[AnswerRow], path: Path) -> Path:
    """ROC curve of each reader and of all answers as PNG; a reader of one side alone has none."""
    figure = dark_figure(5, 5)
    axes = _axes(figure.add_subplot(), "real volumes taken for generated", "generated volumes found")
    axes.plot([0, 1], [0, 1], color=MUTED, linestyle=":")
    names = list(dict.fromkeys(row["reader"] for row in rows))
    for place, name in enumerate([*names, None]):
        chosen = [row for row in rows if name in (None, row["reader"])]
        truth = [row["source"] == "generated" for row in chosen]
        if len(set(truth)) < 2:
            continue
        false, true, _ = roc_curve(truth, [row["score"] for row in chosen])
        colour, width = (COLOURS[place % len(COLOURS)], 1.5) if name else (FOREGROUND, 2.5)
        axes.plot(false, true, label=_plain(name or "all answers"), color=colour, linewidth=width)
    axes.legend(facecolor=BACKGROUND, edgecolor=MUTED, labelcolor=FOREGROUND)
    return save_figure(figure, path)


def draw_scores(rows: Sequence[AnswerRow], path: Path) -> Path:
    """Scores of each volume as PNG: a dot a reader, a bar at the mean, in the colour of its side."""
    figure = dark_figure(10, 4)
    axes = _axes(figure.add_subplot(), "volume", "score")
    axes.axhline(UNDECIDED, color=MUTED, linestyle=":")
    shift = {name: place for place, name in enumerate(dict.fromkeys(row["reader"] for row in rows))}
    offsets = np.linspace(-0.25, 0.25, len(shift)) if len(shift) > 1 else [0.0]
    for volume in volume_means(rows):
        colour = _SIDE_COLOURS[volume["source"]]
        axes.hlines(volume["mean_score"], volume["number"] - 0.35, volume["number"] + 0.35, color=colour, linewidth=3)
        chosen = [row for row in rows if row["number"] == volume["number"]]
        places = [volume["number"] + offsets[shift[row["reader"]]] for row in chosen]
        axes.scatter(places, [row["score"] for row in chosen], color=colour, s=22, zorder=3)
    for side, colour in _SIDE_COLOURS.items():
        axes.hlines([], 0, 1, color=colour, linewidth=3, label=side)
    axes.set_ylim(-0.5, HIGHEST + 0.5)
    axes.set_xticks([volume["number"] for volume in volume_means(rows)])
    axes.legend(facecolor=BACKGROUND, edgecolor=MUTED, labelcolor=FOREGROUND)
    return save_figure(figure, path)


def _plain(name: str) -> str:
    """`name` for a legend: matplotlib reads dollars as formulas and hides labels that begin with an underscore."""
    return ("\u200b" if name.startswith("_") else "") + name.replace("$", r"\$")


def _axes(axes: Axes, x: str, y: str) -> Axes:
    axes.set_facecolor(BACKGROUND)
    axes.set_xlabel(x, color=FOREGROUND)
    axes.set_ylabel(y, color=FOREGROUND)
    axes.tick_params(colors=FOREGROUND)
    for spine in axes.spines.values():
        spine.set_color(MUTED)
    return axes
