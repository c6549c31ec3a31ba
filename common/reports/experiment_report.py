"""What an experiment found: one table of its arms, their figures, and a page with both."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..files import write_csv
from ..metrics.arms import COMPARISON, Scores, compare_arms
from ..runs.experiment import Arm, Experiment
from .arms_figure import plot_arms, plot_low_data
from .learning_curves import VALIDATION, plot_learning_curves
from .page import Page

logger = logging.getLogger(__name__)
Row = dict[str, Any]
_EXPLAINED = (
    "Dice is the mean over the test cases, with the 95 % interval of drawing cases again; the difference is paired, "
    "case by case, against the arm named as baseline, with the two-sided Wilcoxon signed-rank test and Holm's "
    "correction over the arms of one baseline. An interval over cases does not hold what another seed would change.",
    "Aggregated Dice adds up the voxels of all cases, as HECKTOR 2022 does; HD95 leaves out cases in which nothing was "
    "predicted. Cases whose truth is empty have no Dice and are counted as unscored.",
)


class ExperimentReport:
    """Compares the arms of an experiment on their test cases.

    Leaves ``results.csv``, ``arms.png``, ``low_data.png`` (where arms differ in ``real_fraction``),
    ``learning_curves.png`` and ``results.html`` in the experiment's folder.

    Args:
        experiment: Its arms have run.
        replicates: Of the bootstrap over cases.
        seed: Of it.
    """

    def __init__(self, experiment: Experiment, *, replicates: int = 2000, seed: int = 0) -> None:
        self.experiment = experiment
        self.directory = experiment.output_dir
        self.replicates = replicates
        self.seed = seed

    def write(self, scores: Mapping[str, Scores]) -> list[Row]:
        """Write all of it from what `Experiment.run` returns; the rows of ``results.csv``."""
        rows = self.rows(scores)
        stamp = "; ".join(sorted({row["leakage"] for row in rows if row["leakage"]})) or None
        write_csv(rows, self.directory / "results.csv")
        subtitle = f"{rows[0]['n']} test cases, folds {self.experiment.folds}"
        page = Page("Does the synthetic data help?", subtitle=subtitle, warning=stamp or "")
        page.section("Table")
        page.text(*_EXPLAINED)
        page.text(*self._notes())
        page.table([_brief(row) for row in rows])
        for title, path in self._figures(rows, stamp).items():
            page.section(title)
            page.figure(path)
        for arm in self.experiment.arms:
            picture = self.experiment.evaluation_dir(arm.name) / "worst_median_best.png"
            if picture.is_file():
                page.section(f"Worst, median and best case: {arm.name}")
                page.figure(picture)
        page.write(self.directory / "results.html")
        logger.info("wrote %s", self.directory / "results.html")
        return rows

    def rows(self, scores: Mapping[str, Scores]) -> list[Row]:
        """A row an arm: `compare_arms` with its own baseline, the scores beside Dice, what it was trained on."""
        first = self.experiment.arms[0].name
        baselines = {arm.name: arm.baseline or first for arm in self.experiment.arms}
        compared: dict[str, Row] = {}
        for baseline in dict.fromkeys(baselines.values()):
            family = {baseline: scores[baseline]}
            family |= {name: scores[name] for name, other in baselines.items() if other == baseline}
            found = compare_arms(family, baseline=baseline, replicates=self.replicates, seed=self.seed)
            compared |= {row["arm"]: row for row in found if row["arm"] != baseline or row["arm"] == first}
        return [self._row(arm, compared[arm.name], baselines[arm.name]) for arm in self.experiment.arms]

    def _row(self, arm: Arm, compared: Row, baseline: str) -> Row:
        metrics = json.loads((self.experiment.evaluation_dir(arm.name) / "metrics.json").read_text())
        scores, models = metrics["scores"]["foreground"], metrics["checkpoints"]
        counts = models[0]["training"]["counts"]
        return {
            **{key: value for key, value in compared.items() if key not in COMPARISON},
            "aggregated_dice": scores["aggregated_dice"]["value"],
            "hd95_mm": scores["hd95_mm"]["value"],
            "empty_predictions": scores["empty_predictions"],
            "baseline": None if compared["difference"] is None else baseline,
            **{key: compared[key] for key in COMPARISON},
            "models": len(models),
            "real": counts["real"],
            "generated": counts["generated"],
            "minutes": round(self.experiment.seconds(arm.name) / 60, 1),
            "leakage": "; ".join(sorted({model["leakage"] for model in models if model["leakage"]})) or None,
        }

    def _notes(self) -> list[str]:
        """What the trainings say of how their real cases were prepared beside generated ones, each once."""
        files = (self.experiment.evaluation_dir(arm.name) / "metrics.json" for arm in self.experiment.arms)
        models = [model for file in files for model in json.loads(file.read_text())["checkpoints"]]
        return sorted({f"Note: {note}." for model in models for note in model["training"].get("notes") or []})

    def _figures(self, rows: Sequence[Row], stamp: str | None) -> dict[str, Path]:
        main = [row for row in rows if row["baseline"] in (None, self.experiment.arms[0].name)]
        figures = {"All arms": plot_arms(main, path=self.directory / "arms.png", stamp=stamp)}
        series = low_data_series(self.experiment.arms, rows)
        if len({row["real_fraction"] for line in series.values() for row in line}) > 1:
            path = self.directory / "low_data.png"
            figures["With less real data"] = plot_low_data(series, path=path, stamp=stamp)
        runs = {arm.name: self.experiment.training_dirs(arm.name)[0] for arm in self.experiment.arms}
        runs = {name: folder for name, folder in runs.items() if (folder / VALIDATION).is_file()}
        if runs:
            path = self.directory / "learning_curves.png"
            figures["Learning curves of the first fold"] = plot_learning_curves(runs, path=path)
        return figures


def low_data_series(arms: Sequence[Arm], rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows of the arms that differ in ``real_fraction`` alone, with and without as many generated cases."""
    series: dict[str, list[Row]] = {"real only": [], "real and generated": []}
    for arm, row in zip(arms, rows, strict=True):
        others = set(arm.options) - {"real_fraction", "generated_dir"}
        if not others and arm.start_from is None:
            name = "real and generated" if "generated_dir" in arm.options else "real only"
            series[name].append({**row, "real_fraction": float(arm.options.get("real_fraction", 1.0))})
    return {name: line for name, line in series.items() if line}


def _brief(row: Row) -> Row:
    """The row with intervals in one column each."""
    compared = row["difference"] is not None
    return {
        "arm": row["arm"],
        "real": row["real"],
        "generated": row["generated"],
        "test Dice": row["mean"],
        "95 %": [row["low"], row["high"]],
        "aggregated Dice": row["aggregated_dice"],
        "HD95 (mm)": row["hd95_mm"],
        "baseline": row["baseline"],
        "difference": row["difference"],
        "difference, 95 %": [row["difference_low"], row["difference_high"]] if compared else None,
        "p": row["p"],
        "p (Holm)": row["p_holm"],
        "n": row["n"],
        "unscored": row["unscored"],
        "nothing predicted": row["empty_predictions"],
        "models": row["models"],
        "minutes": row["minutes"],
        "leakage": row["leakage"],
    }
