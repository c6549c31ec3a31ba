"""An experiment: arms of trainings on the same test cases, each an ordinary run of a bundle, one table out."""

import csv
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from ..files import write_json
from ..same_settings import require_same_settings
from .workflow_run import Options, Runner, Workflow, run_workflow

logger = logging.getLogger(__name__)
_DONE = "done.json"


@dataclass(frozen=True)
class Arm:
    """One arm of an experiment.

    Attributes:
        name: In the table; also the name of its folder.
        options: Flat keys of the training's config that this arm sets.
        start_from: Name of the arm whose models this one's trainings start from (``init_from``).
        baseline: Name of the arm that this one is compared with; by default the first.
        overlays: Config files laid over those of this arm's trainings, and not over its evaluation.
    """

    name: str
    options: Options = field(default_factory=dict)
    start_from: str | None = None
    baseline: str | None = None
    overlays: Sequence[str] = ()


class Experiment:
    """Trains every arm on every fold, evaluates each arm's ensemble on the test cases, and gathers the cases' scores.

    What is finished is not run again: a killed experiment goes on with the trainings that are missing, each of which
    goes on from its own checkpoint.

    Args:
        arms: In the order of the table; an arm that others start from, or are compared with, stands before them.
            ``{fold}`` in an option is replaced by the fold, such as for one generator a fold.
        only: Names of the arms to run; None runs all.
        folds: Validation folds; one model each, together an ensemble. ``all`` trains one model without a fold.
        output_dir: Gets ``<arm>/fold_<k>``, ``<arm>/evaluation``.
        training: With flat keys for every training, such as sizes; an arm's own win.
        evaluating: With flat keys for every evaluation.
        runner: Runs a workflow: run id, config files, flat keys, log file; by default a process of its own.

    Raises:
        ValueError: Two arms of one name, an arm needs one that does not stand before it, an arm has an option without
            value, or `only` names an arm that there is not.
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
        runner: Runner | None = None,
    ) -> None:
        self.arms = _selected([Arm(**arm) for arm in arms], only)
        self.folds: list[int | str] = [folds] if isinstance(folds, str) else list(folds)
        self.output_dir = Path(output_dir)
        self.training = training
        self.evaluating = evaluating
        self.runner = runner or run_workflow
        _check(self.arms)

    def run(self) -> dict[str, dict[str, float | None]]:
        """Run what is missing; arm → case id → DSC of the foreground, None for an empty truth."""
        for arm in tqdm(self.arms, desc="arms"):
            for fold, folder in zip(self.folds, self.training_dirs(arm.name), strict=True):
                training = replace(self.training, config_files=[*self.training.config_files, *arm.overlays])
                self._once(folder, training, self._options(arm, fold))
            models = [str(folder / "model.pt") for folder in self.training_dirs(arm.name)]
            self._once(self.evaluation_dir(arm.name), self.evaluating, {"checkpoint": models})
        return {arm.name: read_case_scores(self.evaluation_dir(arm.name) / "cases.csv") for arm in self.arms}

    def training_dirs(self, arm: str) -> list[Path]:
        """Folders of an arm's trainings, in the order of the folds."""
        names = ("all" if fold == "all" else f"fold_{fold}" for fold in self.folds)
        return [self.output_dir / _slug(arm) / name for name in names]

    def evaluation_dir(self, arm: str) -> Path:
        """Folder of an arm's evaluation."""
        return self.output_dir / _slug(arm) / "evaluation"

    def seconds(self, arm: str) -> float:
        """What an arm's trainings took, each from its last start."""
        return sum(json.loads((folder / _DONE).read_text())["seconds"] for folder in self.training_dirs(arm))

    def _options(self, arm: Arm, fold: int | str) -> dict[str, Any]:
        """Flat keys of an arm's training."""
        options = {**self.training.options, **arm.options}
        options = {key: v.replace("{fold}", str(fold)) if isinstance(v, str) else v for key, v in options.items()}
        if arm.start_from is not None:
            start = self.training_dirs(arm.start_from)[self.folds.index(fold)]
            options["init_from"] = str(start / "model.pt")
        return {**options, "fold": fold}

    def _once(self, folder: Path, workflow: Workflow, options: Options) -> None:
        """Run a workflow, with `options` over its own, unless it has finished with the same."""
        done = folder / _DONE
        options = {**workflow.options, **options}
        wanted = {"configs": list(workflow.config_files), "options": json.loads(json.dumps(options))}
        if done.is_file():
            remedy = f"Repeat its settings, remove {folder} to run it anew, or name another --output_dir."
            found = json.loads(done.read_text())
            require_same_settings(found, wanted, source=done, remedy=remedy, may_differ=("seconds",))
            logger.info("%s is finished", folder)
            return
        start = time.monotonic()
        log = folder / f"{workflow.run_id}.log"
        self.runner(workflow.run_id, workflow.config_files, {**options, "output_dir": str(folder)}, log)
        write_json({**wanted, "seconds": round(time.monotonic() - start, 1)}, done)


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


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in name)


def _selected(arms: Sequence[Arm], only: Sequence[str] | None) -> list[Arm]:
    names = [arm.name for arm in arms]
    if only is not None and (unknown := [name for name in only if name not in names]):
        raise ValueError(f"no arms {unknown}, expected some of {names}")
    chosen = [arm for arm in arms if only is None or arm.name in only]
    if not chosen:
        raise ValueError(f"no arm to run, expected some of {names}")
    return chosen


def _check(arms: Sequence[Arm]) -> None:
    seen: dict[str, str] = {}
    for arm in arms:
        if _slug(arm.name) in seen:
            raise ValueError(f"arms '{seen[_slug(arm.name)]}' and '{arm.name}' have one folder: give each its own name")
        for verb, other in (("starts from", arm.start_from), ("is compared with", arm.baseline)):
            if other is not None and other not in seen.values():
                raise ValueError(f"arm '{arm.name}' {verb} '{other}', which must be run too and stand before it")
        for key in (key for key, value in arm.options.items() if value is None):
            raise ValueError(f"arm '{arm.name}' needs {key}: set --{key}, or leave such arms out with --only")
        seen[_slug(arm.name)] = arm.name
