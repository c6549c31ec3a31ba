"""An experiment: arms of trainings on the same test cases, each an ordinary run of a bundle, one table out."""

import csv
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..files import replacing, write_json

logger = logging.getLogger(__name__)
Options = Mapping[str, Any]
Runner = Callable[[str, Sequence[str], Options, Path], None]
_DONE = "done.json"


@dataclass(frozen=True)
class Arm:
    """One arm of an experiment.

    Attributes:
        name: In the table; also the name of its folder.
        options: Flat keys of the training's config that this arm sets.
        start_from: Name of the arm whose models this one's trainings start from (``init_from``).
    """

    name: str
    options: Options = field(default_factory=dict)
    start_from: str | None = None


class Experiment:
    """Trains every arm on every fold, evaluates each arm's ensemble on the test cases, and gathers the cases' scores.

    What is finished is not run again: a killed experiment goes on with the trainings that are missing, each of which
    goes on from its own checkpoint.

    Args:
        arms: In the order of the table; an arm that others start from stands before them.
        folds: Validation folds; one model each, together an ensemble. None trains one model without a fold.
        output_dir: Gets ``<arm>/fold_<k>``, ``<arm>/evaluation``.
        train_configs: Config files of `run training`.
        evaluate_configs: Config files of `run evaluating`.
        options: Flat keys for every training, such as sizes; an arm's own win.
        evaluate_options: Flat keys for every evaluation.
        runner: Runs a workflow: run id, config files, flat keys, log file; by default a process of its own.

    Raises:
        ValueError: Two arms of one name, or an arm starts from one that does not stand before it.
    """

    def __init__(
        self,
        arms: Sequence[Mapping[str, Any]],
        *,
        folds: Sequence[int | None],
        output_dir: str | Path,
        train_configs: Sequence[str],
        evaluate_configs: Sequence[str],
        options: Options | None = None,
        evaluate_options: Options | None = None,
        runner: Runner | None = None,
    ) -> None:
        self.arms = [Arm(**arm) for arm in arms]
        self.folds = list(folds)
        self.output_dir = Path(output_dir)
        self.train_configs = list(train_configs)
        self.evaluate_configs = list(evaluate_configs)
        self.options = dict(options or {})
        self.evaluate_options = dict(evaluate_options or {})
        self.runner = runner or run_workflow
        _check_order(self.arms)

    def run(self) -> dict[str, dict[str, float | None]]:
        """Run what is missing; arm → case id → DSC of the foreground, None for an empty truth."""
        for arm in tqdm(self.arms, desc="arms"):
            for fold in self.folds:
                self._once(self._folder(arm.name, fold), "training", self.train_configs, self._training(arm, fold))
            models = [str(self._folder(arm.name, fold) / "model.pt") for fold in self.folds]
            options = {**self.evaluate_options, "checkpoint": models}
            self._once(self._evaluation(arm.name), "evaluating", self.evaluate_configs, options)
        return {arm.name: read_case_scores(self._evaluation(arm.name) / "cases.csv") for arm in self.arms}

    def _training(self, arm: Arm, fold: int | None) -> dict[str, Any]:
        start = {} if arm.start_from is None else {"init_from": str(self._folder(arm.start_from, fold) / "model.pt")}
        return {**self.options, **arm.options, **start, "fold": "all" if fold is None else fold}

    def _folder(self, arm: str, fold: int | None) -> Path:
        return self.output_dir / _slug(arm) / ("all" if fold is None else f"fold_{fold}")

    def _evaluation(self, arm: str) -> Path:
        return self.output_dir / _slug(arm) / "evaluation"

    def _once(self, folder: Path, run_id: str, configs: Sequence[str], options: Options) -> None:
        """Run a workflow unless it has finished with the same options."""
        done = folder / _DONE
        wanted = {"configs": list(configs), "options": json.loads(json.dumps(dict(options)))}
        if done.is_file():
            _check_same(json.loads(done.read_text()), wanted, done)
            logger.info("%s is finished", folder)
            return
        self.runner(run_id, configs, {**options, "output_dir": str(folder)}, folder / f"{run_id}.log")
        write_json(wanted, done)


def run_workflow(run_id: str, configs: Sequence[str], options: Options, log: Path) -> None:
    """Run ``monai.bundle`` in a process of its own, its output appended to `log`.

    Raises:
        RuntimeError: It failed; the message holds the log's last lines.
    """
    flags = [f"--{key}={value}" for key, value in options.items() if value is not None]
    command = [sys.executable, "-m", "monai.bundle", "run", run_id, "--config_file", str(list(configs)), *flags]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise RuntimeError(f"`run {run_id}` failed with {done.returncode}, see {log}; its last lines:\n{last}")


def read_case_scores(path: str | Path) -> dict[str, float | None]:
    """Case id → DSC of the foreground, from the ``cases.csv`` of an evaluation.

    Raises:
        ValueError: It has no columns ``case_id`` and ``foreground/dice``.
    """
    with Path(path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"case_id", "foreground/dice"} <= set(rows[0]):
        raise ValueError(f"{path} lacks rows with case_id and foreground/dice: run the evaluation again")
    return {row["case_id"]: _number(row["foreground/dice"]) for row in rows}


def write_table(rows: Sequence[Mapping[str, Any]], path: str | Path) -> None:
    """Write rows of equal keys as CSV, whole or not at all."""
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _number(text: str) -> float | None:
    return None if text in ("", "nan") else float(text)


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in name)


def _check_order(arms: Sequence[Arm]) -> None:
    seen: dict[str, str] = {}
    for arm in arms:
        if _slug(arm.name) in seen:
            raise ValueError(f"arms '{seen[_slug(arm.name)]}' and '{arm.name}' have one folder: give each its own name")
        if arm.start_from is not None and _slug(arm.start_from) not in seen:
            raise ValueError(f"arm '{arm.name}' starts from '{arm.start_from}', which must stand before it")
        seen[_slug(arm.name)] = arm.name


def _check_same(found: Mapping[str, Any], wanted: Mapping[str, Any], path: Path) -> None:
    names = sorted({*found["options"], *wanted["options"]})
    differ = [name for name in names if found["options"].get(name) != wanted["options"].get(name)]
    if differ or found["configs"] != wanted["configs"]:
        raise ValueError(
            f"{path} was made with another {', '.join(differ) or 'config'}: repeat its settings, remove "
            f"{path.parent} to run it anew, or name another --output_dir"
        )
