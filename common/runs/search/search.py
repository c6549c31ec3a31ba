"""Hyperparameter search: trials that are ordinary runs of bundles, chosen by Optuna."""

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import optuna
from optuna import pruners, samplers
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from ...files import write_json
from ..workflow_run import Runner, run_workflow
from .objective import Objective, Series
from .space import SearchSpace
from .steps import Step, check_steps, run_steps, share_out
from .study import beat, folder_number, newest_trials, open_storage, open_study, position, queue_lost

logger = logging.getLogger(__name__)
Sampler = Literal["grid", "tpe"]
Row = dict[str, Any]
_PRUNERS = {"none": pruners.NopPruner, "median": pruners.MedianPruner, "hyperband": pruners.HyperbandPruner}
_BEAT = 60.0  # seconds
_PLACES = ("dataset_dir", "datalist", "cache_dir", "device", "num_workers")  # may differ between machines


class Search:
    """Runs trials until the grid is done, or as many as are asked for; many processes may share one study.

    A trial is a chain of steps in ``<output_dir>/trials/<number>``. Finished ones are not run again. One whose process
    was killed goes on in its folder, with its values; one that fails is kept with its message.

    Args:
        space: Flat keys with value lists or ranges, a list of combinations, or a YAML file of either; see
            `SearchSpace`.
        steps: Arguments of each `Step`.
        objective: Arguments of `Objective`.
        output_dir: Gets ``study.db`` and ``trials``.
        sampler: All combinations, or the tree-structured Parzen estimator.
        trials: How many with ``tpe``; a grid may be cut to its first ones.
        series: Arguments of `Series`, by which trials are pruned.
        pruner: ``none``, ``median`` or ``hyperband``.
        pruner_options: Of Optuna's class.
        storage: An Optuna URL, ``journal:///path`` or a storage; by default SQLite in `output_dir`.
        study: Its name in the storage.
        seed: Of the sampler; each trial's own is the sum of it and the trial's place.
        marks: Name → values of a combination that the report points out.
        interval: Seconds between two looks at a running trial's series.
        patience: Seconds without a sign of life after which another machine's trial is taken over.
        retry_failed: Run failed trials once more.
        runner: Runs a workflow; by default a process of its own.

    Raises:
        ValueError: Settings that cannot be searched: see `SearchSpace`, `share_out`, `check_steps`, `Objective`.
    """

    def __init__(
        self,
        space: Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | Path,
        *,
        steps: Sequence[Mapping[str, Any]],
        objective: Mapping[str, Any],
        output_dir: str | Path,
        sampler: Sampler = "grid",
        trials: int | None = None,
        series: Mapping[str, Any] | None = None,
        pruner: str = "none",
        pruner_options: Mapping[str, Any] | None = None,
        storage: str | BaseStorage | None = None,
        study: str = "search",
        seed: int = 0,
        marks: Mapping[str, Mapping[str, Any]] | None = None,
        interval: float = 10.0,
        patience: float = 600.0,
        retry_failed: bool = False,
        runner: Runner | None = None,
    ) -> None:
        self.space = SearchSpace(space)
        self.steps = [Step(**step) for step in steps]
        self.objective = Objective(**objective)
        self.output_dir = Path(output_dir).absolute()
        self.sampler = sampler
        self.series = Series(**series) if series else None
        self.pruner = _pruner(pruner, pruner_options or {}, self.series)
        self.storage = storage or f"sqlite:///{self.output_dir}/study.db"
        self.name = study
        self.seed = seed
        self.marks = dict(marks or {})
        self.interval = interval
        self.patience = patience
        self.retry_failed = retry_failed
        self.runner = runner or run_workflow
        self.points = _points(self.space, sampler, trials)
        self.trials = trials or len(self.points)
        self.shares = share_out(self.steps, list(self.space.content))
        check_steps(self.steps, self.shares)

    def run(self) -> list[Row]:
        """Run what is missing; see `rows`.

        Raises:
            ValueError: The storage has a study of this name with other settings.
            RuntimeError: No trial has succeeded, and some have failed.
        """
        study = self.study()
        queue_lost(study, patience=self.patience, retry_failed=self.retry_failed)
        while (trial := self._next(study)) is not None:
            self._run_trial(trial)
        rows = self.rows()
        failed = [row for row in rows if row["state"] == "failed"]
        if failed and all(row["state"] != "complete" for row in rows):
            raise RuntimeError(f"all trials failed; trial {failed[0]['trial']}: {failed[0]['message']}")
        return rows

    def study(self) -> optuna.Study:
        """The Optuna study, made where there is none."""
        self.output_dir.mkdir(parents=True, exist_ok=True)
        study = open_study(
            self.name, storage=open_storage(self.storage), description=self._description(), points=self.points
        )
        study.pruner = self.pruner
        return study

    def rows(self) -> list[Row]:
        """A row a trial: number, mark, state, objective, values, seconds, how often it was resumed, message."""
        return [self._row(number, trial) for number, trial in newest_trials(self.study()).items()]

    def folder(self, number: int) -> Path:
        """Folder of a trial."""
        return self.output_dir / "trials" / str(number)

    def best(self, rows: Sequence[Row]) -> Row | None:
        """The complete trial of the best objective, the first of equals."""
        complete = [row for row in rows if row["state"] == "complete"]
        choose = min if self.objective.direction == "minimize" else max
        return choose(complete, key=lambda row: row["value"]) if complete else None

    def _description(self) -> dict[str, Any]:
        steps = [
            {
                "run_id": step.run_id,
                "config_files": [Path(path).name for path in step.config_files],
                "options": {key: value for key, value in step.options.items() if key not in _PLACES},
            }
            for step in self.steps
        ]
        objective = {"objective": self.objective.key, "direction": self.objective.direction}
        space = self.space.combinations or self.space.content
        return {"space": space, **objective, "sampler": self.sampler, "seed": self.seed, "steps": steps}

    def _next(self, study: optuna.Study) -> Trial | None:
        """The next trial: one from the queue, else a new one; None when there are enough."""
        queue_lost(study, patience=self.patience)
        trials = newest_trials(study)
        started = sum(trial.state is not TrialState.WAITING for trial in trials.values())
        waits = any(trial.state is TrialState.WAITING and number < self.trials for number, trial in trials.items())
        if not waits and started >= self.trials:
            return None
        trial = study.ask()
        place = position(study, trial)
        if place >= self.trials and "folder" not in trial.user_attrs:
            trial.set_user_attr("surplus", True)  # another machine was faster
            study.tell(trial, state=TrialState.FAIL)
            return None
        beat(trial)
        study.sampler = samplers.TPESampler(seed=self.seed + place)
        return trial

    def _run_trial(self, trial: Trial) -> None:
        params = self.space.suggest(trial)
        folder = self.folder(folder_number(trial))
        write_json({"trial": folder_number(trial), "values": self.space.decode(params)}, folder / "trial.json")
        logger.info("trial %d of %d: %s", folder_number(trial), self.trials, params)
        try:
            seconds = self._steps(trial, folder)
            value = self.objective.read(folder)
        except optuna.TrialPruned:
            trial.study.tell(trial, state=TrialState.PRUNED)
        except (RuntimeError, ValueError, OSError) as error:
            logger.warning("trial %d failed: %s", folder_number(trial), error)
            trial.set_user_attr("message", str(error))
            trial.study.tell(trial, state=TrialState.FAIL)
        else:
            trial.set_user_attr("seconds", seconds)
            trial.study.tell(trial, value)

    def _steps(self, trial: Trial, folder: Path) -> float:
        watch = _Watch(trial, self.series, folder)
        values = self.space.decode(trial.params)
        seconds = run_steps(
            self.steps, self.shares, values, folder=folder, runner=self.runner, watch=watch, interval=self.interval
        )
        watch.report()
        return seconds

    def _row(self, number: int, trial: FrozenTrial) -> Row:
        values = self.space.decode({**trial.user_attrs.get("point", {}), **trial.params})
        marks = [name for name, mark in self.marks.items() if mark.items() <= values.items()]
        state = "failed" if trial.state is TrialState.FAIL else trial.state.name.lower()
        return {
            "trial": number,
            "mark": ", ".join(marks),
            "state": state,
            "value": trial.value if state == "complete" else None,
            **{key: values.get(key) for key in self.space.content},
            "seconds": trial.user_attrs.get("seconds"),
            "resumed": trial.user_attrs.get("resumed", 0),
            "message": trial.user_attrs.get("message", ""),
        }


class _Watch:
    """Looks at a running trial: tells the others that it lives, reports its series, ends it where that is hopeless."""

    def __init__(self, trial: Trial, series: Series | None, folder: Path) -> None:
        self.trial, self.series, self.folder = trial, series, folder
        self.last = time.monotonic()
        self.reported: set[int] = set()

    def __call__(self) -> None:
        if time.monotonic() - self.last > _BEAT:
            beat(self.trial)
            self.last = time.monotonic()
        if self.report() and self.trial.should_prune():
            raise optuna.TrialPruned

    def report(self) -> int:
        """Report steps that are new; their number."""
        series = self.series.read(self.folder) if self.series else {}
        new = series.keys() - self.reported
        for step in sorted(new):
            self.trial.report(series[step], step)
        self.reported |= new
        return len(new)


def _points(space: SearchSpace, sampler: Sampler, trials: int | None) -> list[dict[str, Any]]:
    if sampler not in get_args(Sampler):
        raise ValueError(f"sampler '{sampler}': expected {' or '.join(get_args(Sampler))}")
    if sampler == "grid":
        return space.grid()[:trials]
    if space.combinations is not None:
        raise ValueError("a list of combinations is a grid: use --sampler grid")
    if not trials:
        raise ValueError("how many trials? set --trials, such as 50")
    return []


def _pruner(name: str, options: Mapping[str, Any], series: Series | None) -> pruners.BasePruner:
    if name not in _PRUNERS:
        raise ValueError(f"pruner '{name}': expected {', '.join(_PRUNERS)}")
    if name != "none" and series is None:
        raise ValueError(f"pruner '{name}' needs a series: a file and column of a score that grows with the trial")
    return _PRUNERS[name](**options)
