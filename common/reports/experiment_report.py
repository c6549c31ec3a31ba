"""What an experiment found: a verdict in words, one table of its arms, their figures, and a page with all of it."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..files import write_csv
from ..metrics.arms import Scores
from ..runs.experiment import Experiment
from .arms_figure import plot_arms, plot_low_data
from .convergence_figure import ArmCurve, plot_convergence, read_arm_curve
from .experiment_table import ExperimentTable, curves_over_cases
from .experiment_verdict import verdict
from .learning_curves import VALIDATION, plot_learning_curves
from .page import Page

logger = logging.getLogger(__name__)
Row = dict[str, Any]
_EXPLAINED = (
    "Dice is the mean over the test cases and the seeds of the training, with the 95 % interval of drawing both again; "
    "the difference is paired, case by case and seed by seed, against the arm named as baseline, with the two-sided "
    "Wilcoxon signed-rank test over cases, each the mean of its seeds, and Holm's correction over the arms of one "
    "baseline. With one seed an interval does not hold what another seed would change.",
    "Aggregated Dice adds up the voxels of all cases, as HECKTOR 2022 does; HD95 leaves out cases in which nothing was "
    "predicted; both are means over the seeds, and cases without a prediction are counted over all of them. Cases "
    "whose truth is empty have no Dice and are counted as unscored.",
    "Updates are the steps of one training, those of its pre-training included. Converged is an arm whose mean curve "
    "rises by less than 0.01 Dice over its last third; where nothing validates, whose loss falls by less than 2 %. A "
    "learning rate that falls to 0 flattens every curve in the end: only a longer training tells for certain.",
)


class ExperimentReport:
    """Compares the arms of an experiment on their test cases.

    Leaves ``results.csv``, ``arms.png``, ``low_data.png`` (where arms differ in their number of real cases),
    ``convergence.png``, ``learning_curves.png`` and ``results.html`` in the experiment's folder.

    Args:
        experiment: Its arms have run.
        replicates: Of the bootstrap over cases and seeds.
        seed: Of it.
    """

    def __init__(self, experiment: Experiment, *, replicates: int = 2000, seed: int = 0) -> None:
        self.experiment = experiment
        self.directory = experiment.output_dir
        self.replicates = replicates
        self.seed = seed

    def write(self, scores: Mapping[str, Sequence[Scores]]) -> list[Row]:
        """Write all of it from what `Experiment.run` returns; the rows of ``results.csv``."""
        table = ExperimentTable(self.experiment, scores, replicates=self.replicates, seed=self.seed)
        curves = self._curves()
        rows = table.rows()
        rooms = table.head_rooms(rows)
        for row in rows:
            row["converged"] = curves[row["arm"]].convergence.state if row["arm"] in curves else "unknown"
            room = rooms.get(row["baseline"] or row["arm"])
            row["head_room"] = room.state if room else None
        write_csv(rows, self.directory / "results.csv")
        stamp = "; ".join(sorted({row["leakage"] for row in rows if row["leakage"]})) or None
        page = Page("Does the synthetic data help?", subtitle=self._subtitle(rows), warning=stamp or "")
        words = verdict(rows, rooms, curves, alike=table.alike(), left_out=self.experiment.left_out)
        for heading, sentences in words.items():
            page.section(heading)
            page.text(*sentences)
            logger.info("%s %s", heading, " ".join(sentences))
        page.section("Table")
        page.text(*_EXPLAINED)
        page.text(*table.notes())
        page.table([_brief(row) for row in rows])
        for title, path in self._figures(rows, curves, stamp).items():
            page.section(title)
            page.figure(path)
        for arm in self.experiment.compared:
            picture = self.experiment.evaluation_dir(arm.name, self.experiment.seeds[0]) / "worst_median_best.png"
            if picture.is_file():
                page.section(f"Worst, median and best case: {arm.name}")
                page.figure(picture)
        page.write(self.directory / "results.html")
        logger.info("wrote %s", self.directory / "results.html")
        return rows

    def _subtitle(self, rows: Sequence[Row]) -> str:
        """On what the table stands."""
        parts = [f"{rows[0]['n']} test cases", f"folds {self.experiment.folds}"]
        if self.experiment.seeds != [None]:
            parts.append(f"seeds {self.experiment.seeds}")
        if len(updates := {row["updates"] for row in rows}) == 1 and None not in updates:
            parts.append(f"{rows[0]['updates']} updates in every arm")
        explained = "Dice is the overlap of what a network outlines with the true outline: 0 is none, 1 is all of it."
        return f"{', '.join(parts)}. {explained}"

    def _curves(self) -> dict[str, ArmCurve]:
        """Of every arm whose trainings left any, over all seeds and folds."""
        found = {
            arm.name: read_arm_curve(
                [path for seed in self.experiment.seeds for path in self.experiment.training_dirs(arm.name, seed)]
            )
            for arm in self.experiment.compared
        }
        return {name: curve for name, curve in found.items() if curve is not None}

    def _figures(self, rows: Sequence[Row], curves: Mapping[str, ArmCurve], stamp: str | None) -> dict[str, Path]:
        arms, seed = self.experiment.compared, self.experiment.seeds[0]
        main = [row for row in rows if row["baseline"] in (None, arms[0].name)]
        figures = {"All arms": plot_arms(main, path=self.directory / "arms.png", stamp=stamp)}
        if series := curves_over_cases(arms, rows):
            path = self.directory / "low_data.png"
            figures["Dice over the number of real cases"] = plot_low_data(series, path=path, stamp=stamp)
        if curves:
            path = self.directory / "convergence.png"
            figures["Had the trainings converged?"] = plot_convergence(curves, path=path)
        runs = {arm.name: self.experiment.training_dirs(arm.name, seed)[0] for arm in arms}
        runs = {name: folder for name, folder in runs.items() if (folder / VALIDATION).is_file()}
        if runs:
            path = self.directory / "learning_curves.png"
            figures["Learning curves of the first seed and fold"] = plot_learning_curves(runs, path=path)
        return figures


def _brief(row: Row) -> Row:
    """The row with intervals in one column each."""
    compared = row["difference"] is not None
    return {
        "arm": row["arm"],
        "real": row["real"],
        "generated": row["generated"],
        "share of a batch": row["generated_share"],
        "seeds": row["seeds"],
        "test Dice": row["mean"],
        "95 %": [row["low"], row["high"]],
        "aggregated Dice": row["aggregated_dice"],
        "HD95 (mm)": row["hd95_mm"],
        "NSD": row["nsd"],
        "lesion F1": row["lesion_f1"],
        "baseline": row["baseline"],
        "difference": row["difference"],
        "difference, 95 %": [row["difference_low"], row["difference_high"]] if compared else None,
        "p": row["p"],
        "p (Holm)": row["p_holm"],
        "n": row["n"],
        "unscored": row["unscored"],
        "nothing predicted": row["empty_predictions"],
        "models": row["models"],
        "updates": row["updates"],
        "converged": row["converged"],
        "room for a gain": row["head_room"],
        "generator's further cases": row["generator_cases_beyond_real"],
        "minutes": row["minutes"],
        "leakage": row["leakage"],
    }
