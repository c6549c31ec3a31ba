"""An experiment: arms of trainings on the same test cases, each an ordinary run of a bundle, one table out."""

import csv
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ..files import read_json
from ..options.ahead import require_ahead
from .arms import Arm, chain, compared_arms, planned_arms, read_arms, selected, slug, without_too_large
from .engine import Engine
from .generator_pairs import require_unleaked
from .tasks import DONE, Task, run_tasks
from .workflow_run import Options, Runner, Workflow, end_orphans, run_workflow

logger = logging.getLogger(__name__)

_OWN = ("fold", "output_dir", "init_from")  # of train.yaml
_OWN_SCORES = ("checkpoint", "output_dir")  # of evaluate.yaml
Seed = int | None


class Experiment:
    """Trains every arm with every seed on every fold, evaluates each seed's ensemble, and gathers the cases' scores.

    What is finished is not run again: a killed experiment goes on with the trainings that are missing, each of which
    goes on from its own checkpoint. All arms of one seed are begun before those of the next.

    Args:
        arms: In the order of the table; an arm that others start from, or are compared with, stands before them.
            ``{fold}`` in an option is replaced by the fold, such as for one generator a fold.
        only: Names of the arms to run; None runs all.
        folds: Validation folds; one model each, together an ensemble. ``all`` trains one model without a fold.
        seeds: Of the trainings; each also draws its own subset where an arm takes some of the real cases. None, or a
            ``seed`` in the options of `training`, is one training an arm, of that seed.
        equal_updates: See `planned_arms`.
        datalist: Arms that ask for more cases than it, or their generated set, has are left out with a warning, unless
            `only` names them; None asks nothing.
        output_dir: Gets ``<arm>/seed_<s>/fold_<k>``, ``<arm>/seed_<s>/evaluation``; without seeds ``<arm>/fold_<k>``.
        training: With flat keys for every training, such as sizes; an arm's own win.
        evaluating: With flat keys for every evaluation.
        runner: Runs a workflow: run id, config files, flat keys, log file; by default a process of its own.
        engine: Where the runs are worked on; by default one after the other.

    Attributes:
        arms: All arms that are run, see `planned_arms`.
        compared: Those that have a row in the table: all but pre-trainings.
        left_out: Why an arm is not run, by its name.

    Raises:
        ValueError: See `planned_arms` and `selected`; two seeds are the same, the data do not suffice, options are set
            that the experiment sets itself, or a run would refuse its options, or a generator that has seen a held-out
            case.
    """

    def __init__(
        self,
        arms: Sequence[Mapping[str, Any]],
        *,
        training: Workflow,
        evaluating: Workflow,
        folds: Sequence[int] | Literal["all"],
        output_dir: str | Path,
        only: Sequence[str] | None = None,
        seeds: Sequence[int] | None = None,
        equal_updates: bool = False,
        datalist: str | Path | None = None,
        runner: Runner | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.folds: list[int | str] = [folds] if isinstance(folds, str) else list(folds)
        self.seeds: list[Seed] = [None] if seeds is None or "seed" in training.options else list(seeds)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds are {self.seeds}, expected different ones, such as [0, 1, 2]")
        chosen = selected(read_arms(arms), only)
        _require_free(chosen, training.options, evaluating.options)
        self.left_out: dict[str, str] = {}
        if datalist is not None:
            chosen, self.left_out = without_too_large(
                chosen, settings=training.options, datalist=datalist, folds=self.folds
            )
            if self.left_out and (only is not None or not chosen):
                reasons = "; ".join(f"'{name}': {reason}" for name, reason in self.left_out.items())
                raise ValueError(f"the data do not suffice for the arms that are asked for: {reasons}")
        self.arms = planned_arms(chosen, settings=training.options, seeds=self.seeds, equal_updates=equal_updates)
        self.compared = compared_arms(self.arms)
        self._tell_other_baseline(read_arms(arms)[0].name)
        self.output_dir = Path(output_dir)
        self.training = training
        self.evaluating = evaluating
        self.runner = runner or run_workflow
        self.engine = engine or Engine()
        if runner is None:
            require_ahead(self._runs())
            require_unleaked(self._trainings())

    def _tell_other_baseline(self, usual: str) -> None:
        """Say so where the arm that others are compared with by default is not among those that are run."""
        first = self.compared[0].name
        others = [arm.name for arm in self.compared[1:] if arm.baseline is None]
        if first != usual and others:
            reason = f"arms without a baseline of their own are compared with '{first}'"
            logger.warning("the arm '%s' is not run: %s, which are %s", usual, reason, others)
            self.left_out[usual] = "; ".join(filter(None, [self.left_out.get(usual), reason]))

    def run(self) -> dict[str, list[dict[str, float | None]]]:
        """Run what is missing; arm → a seed → case id → DSC of the foreground, None for an empty truth."""
        end_orphans(self.output_dir)
        tasks = [task for seed in self.seeds for arm in self.arms for task in self._tasks(arm, seed)]
        run_tasks(tasks, runner=self.runner, engine=self.engine, desc="runs")
        return {
            arm.name: [read_case_scores(self.evaluation_dir(arm.name, seed) / "cases.csv") for seed in self.seeds]
            for arm in self.compared
        }

    def training_dirs(self, arm: str, seed: Seed) -> list[Path]:
        """Folders of an arm's trainings of a seed, in the order of the folds."""
        names = ("all" if fold == "all" else f"fold_{fold}" for fold in self.folds)
        return [self._folder(arm, seed) / name for name in names]

    def evaluation_dir(self, arm: str, seed: Seed) -> Path:
        """Folder of an arm's evaluation of a seed."""
        return self._folder(arm, seed) / "evaluation"

    def seconds(self, arm: str) -> float:
        """What an arm's trainings of all seeds took, those of its pre-trainings included, each from its last start."""
        (found,) = (one for one in self.arms if one.name == arm)
        folders = [
            folder
            for part in chain(found, self.arms)
            for seed in self.seeds
            for folder in self.training_dirs(part.name, seed)
        ]
        remedy = "remove its folder, and it is run again"
        return sum(read_json(folder / DONE, remedy=remedy, keys=("seconds",))["seconds"] for folder in folders)

    def _runs(self) -> Iterator[tuple[str, Sequence[str], Options]]:
        """Name, config files and options of a training and an evaluation of each arm."""
        for arm in self.arms:
            name, files = f"arm '{arm.name}'", [*self.training.config_files, *arm.overlays]
            yield name, files, self._options(arm, self.seeds[0], self.folds[0])
            yield name, [*self.evaluating.config_files, *arm.evaluate_overlays], self.evaluating.options

    def _trainings(self) -> Iterator[tuple[str, Sequence[str], Options]]:
        """Name, config files and options of the trainings of each arm, of one seed."""
        for arm in self.arms:
            for fold in self.folds:
                files = [*self.training.config_files, *arm.overlays]
                yield f"arm '{arm.name}'", files, self._options(arm, self.seeds[0], fold)

    def _tasks(self, arm: Arm, seed: Seed) -> Iterator[Task]:
        """An arm's trainings of a seed, and the evaluation of their models if it has a row."""
        folders = self.training_dirs(arm.name, seed)
        starts = [] if arm.start_from is None else self.training_dirs(arm.start_from, seed)
        for number, (fold, folder) in enumerate(zip(self.folds, folders, strict=True)):
            files = [*self.training.config_files, *arm.overlays]
            options = {**self.training.options, **self._options(arm, seed, fold)}
            workflow = replace(self.training, config_files=files, options=options)
            yield Task(folder, workflow, after=starts[number : number + 1])
        if arm in self.compared:
            files = [*self.evaluating.config_files, *arm.evaluate_overlays]
            options = {**self.evaluating.options, "checkpoint": [str(folder / "model.pt") for folder in folders]}
            workflow = replace(self.evaluating, config_files=files, options=options)
            yield Task(self.evaluation_dir(arm.name, seed), workflow, after=folders)

    def _folder(self, arm: str, seed: Seed) -> Path:
        folder = self.output_dir / slug(arm)
        return folder if seed is None else folder / f"seed_{seed}"

    def _options(self, arm: Arm, seed: Seed, fold: int | str) -> dict[str, Any]:
        """Flat keys of an arm's training."""
        options = {**self.training.options, **({} if seed is None else {"seed": seed}), **arm.options}
        options = {key: v.replace("{fold}", str(fold)) if isinstance(v, str) else v for key, v in options.items()}
        if arm.start_from is not None:
            start = self.training_dirs(arm.start_from, seed)[self.folds.index(fold)]
            options["init_from"] = str(start / "model.pt")
        return {**options, "fold": fold}


def read_case_scores(path: str | Path) -> dict[str, float | None]:
    """Case id → DSC of the foreground, from the ``cases.csv`` of an evaluation.

    Raises:
        ValueError: It has no columns ``case_id`` and ``foreground/dice``.
    """
    with Path(path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"case_id", "foreground/dice"} <= set(rows[0]):
        raise ValueError(f"{path} lacks rows with case_id and foreground/dice: run the evaluation again")
    scores = {row["case_id"]: row["foreground/dice"] for row in rows}
    return {case_id: None if score in ("", "nan") else float(score) for case_id, score in scores.items()}


def _require_free(arms: Sequence[Arm], settings: Options, evaluate_settings: Options) -> None:
    """Refuse what the experiment itself sets for each run, and would do so over these without a word."""
    if taken := [f"{key} {evaluate_settings[key]!r}" for key in _OWN_SCORES if key in evaluate_settings]:
        raise ValueError(
            f"evaluate_settings: found {', '.join(taken)}, expected options other than {', '.join(_OWN_SCORES)}, which "
            "the experiment sets for each evaluation: leave it out"
        )
    for name, options in [("settings", settings), *((f"arm '{arm.name}'", arm.options) for arm in arms)]:
        if taken := [f"{key} {options[key]!r}" for key in _OWN if key in options]:
            raise ValueError(
                f"{name}: found {', '.join(taken)}, expected options other than {', '.join(_OWN)}, which the "
                "experiment sets for each training: leave it out, and see --folds, --output_dir and `start_from`"
            )
