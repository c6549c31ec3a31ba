"""Hyperparameter search: trials that are ordinary runs of bundles, chosen by Optuna."""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from optuna import samplers
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from ...files import write_json
from ...reason import reason_of
from ..engine import Engine
from ..workflow_run import Runner, run_workflow
from .objective import Series
from .plan import SearchPlan
from .steps import run_steps, work_on_steps
from .study import beat, folder_number, newest_trials, open_storage, open_study, position, queue_lost

logger = logging.getLogger(__name__)
Row = dict[str, Any]
_BEAT = 60.0  # seconds


@dataclass
class Execution:
    """How and where a search runs.

    Attributes:
        output_dir: Gets ``study.db`` and ``trials``.
        storage: An Optuna URL, ``journal:///path`` or a storage; by default SQLite in `output_dir`.
        study: Its name in the storage.
        interval: Seconds between two looks at a running trial's series.
        patience: Seconds without a sign of life after which another machine's trial is taken over.
        retry_failed: Run failed trials once more.
        runner: Runs a workflow; by default a process of its own.
        engine: Where trials are worked on; by default one after the other.
    """

    output_dir: str | Path
    storage: str | BaseStorage | None = None
    study: str = "search"
    interval: float = 10.0
    patience: float = 600.0
    retry_failed: bool = False
    runner: Runner | None = None
    engine: Engine = field(default_factory=Engine)


class Search:
    """Runs trials until the grid is done, or as many as are asked for; many processes may share one study.

    A trial is a chain of steps in ``<output_dir>/trials/<number>``. Finished ones are not run again. One whose process
    was killed goes on in its folder, with its values; one that fails is kept with its message.

    Args:
        plan: What is searched.
        execution: How and where.

    Raises:
        ValueError: Pruning that cannot be, see `Pruning.build`.
    """

    def __init__(self, plan: SearchPlan, execution: Execution) -> None:
        self.plan = plan
        self.execution = execution
        self.output_dir = Path(execution.output_dir).absolute()
        self.storage = execution.storage or f"sqlite:///{self.output_dir}/study.db"
        self.pruner = plan.pruning.build()

    def run(self) -> list[Row]:
        """Run what is missing; see `rows`.

        Raises:
            ValueError: The storage has a study of this name with other settings.
            RuntimeError: No trial has succeeded, and some have failed.
        """
        study = self.study()
        queue_lost(study, patience=self.execution.patience, retry_failed=self.execution.retry_failed)
        if self.execution.engine.one_by_one:
            while (trial := self._next(study)) is not None:
                self._run_here(trial)
        else:
            self._run_on_workers(study)
        rows = self.rows()
        failed = [row for row in rows if row["state"] == "failed"]
        if failed and all(row["state"] != "complete" for row in rows):
            raise RuntimeError(f"all trials failed; trial {failed[0]['trial']}: {failed[0]['message']}")
        return rows

    def study(self) -> optuna.Study:
        """The Optuna study, made where there is none."""
        self.output_dir.mkdir(parents=True, exist_ok=True)
        study = open_study(
            self.execution.study,
            storage=open_storage(self.storage),
            description=self.plan.describe(),
            points=self.plan.points,
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
        choose = min if self.plan.objective.direction == "minimize" else max
        return choose(complete, key=lambda row: row["value"]) if complete else None

    def _next(self, study: optuna.Study, ours: Collection[int] = ()) -> Trial | None:
        """The next trial: one from the queue, else a new one; None when there are enough; `ours` are being run."""
        queue_lost(study, patience=self.execution.patience, ours=ours)
        trials = newest_trials(study)
        started = sum(trial.state is not TrialState.WAITING for trial in trials.values())
        waits = any(trial.state is TrialState.WAITING and number < self.plan.count for number, trial in trials.items())
        if not waits and started >= self.plan.count:
            return None
        trial = study.ask()
        place = position(study, trial)
        if place >= self.plan.count and "folder" not in trial.user_attrs:
            trial.set_user_attr("surplus", True)  # another machine was faster
            study.tell(trial, state=TrialState.FAIL)
            return None
        beat(trial)
        # said, as Optuna 5 changed the default: the same seed drew other trials from the eleventh on
        study.sampler = samplers.TPESampler(seed=self.plan.seed + place, multivariate=True)
        return trial

    def _run_here(self, trial: Trial) -> None:
        values, watch = self._begin(trial)
        runner = partial(self._runner, watch=watch, interval=self.execution.interval)
        given = (self.plan.steps, self.plan.shares, values)
        self._end(trial, watch, partial(run_steps, *given, folder=watch.folder, runner=runner))

    def _run_on_workers(self, study: optuna.Study) -> None:
        """This process alone asks the study and tells it, so that the workers need not reach the storage."""
        running: dict[Any, tuple[Trial, _Watch]] = {}
        with self.execution.engine.pool() as pool:
            while True:
                while len(running) < max(1, pool.slots):
                    trial = self._next(study, [trial.number for trial, _ in running.values()])
                    if trial is None:
                        break
                    values, watch = self._begin(trial)
                    given = (self.plan.steps, self.plan.shares, values, watch.folder, self._runner)
                    future = pool.submit(f"trial-{folder_number(trial)}", work_on_steps, *given)
                    running[future] = trial, watch
                if not running:
                    return
                for future in pool.wait(running, timeout=self.execution.interval):
                    self._end(*running.pop(future), partial(pool.result, future))
                for future, (trial, watch) in list(running.items()):
                    try:
                        watch()
                    except optuna.TrialPruned:
                        pool.cancel(future)
                        del running[future]
                        trial.study.tell(trial, state=TrialState.PRUNED)

    @property
    def _runner(self) -> Runner:
        return self.execution.runner or run_workflow

    def _begin(self, trial: Trial) -> tuple[dict[str, Any], "_Watch"]:
        """Values of a trial, and what looks at it in its folder."""
        params = self.plan.space.suggest(trial)
        values = self.plan.space.decode(params)
        number = folder_number(trial)
        folder = self.folder(number)
        write_json({"trial": number, "values": values}, folder / "trial.json")
        logger.info("trial %d of %d: %s", number, self.plan.count, params)
        return values, _Watch(trial, self.plan.pruning.series, folder)

    def _end(self, trial: Trial, watch: "_Watch", seconds_of_run: Callable[[], float]) -> None:
        """Tell the study what has come of a trial."""
        try:
            seconds = seconds_of_run()
            watch.report()
            value = self.plan.objective.read(watch.folder)
        except optuna.TrialPruned:
            trial.study.tell(trial, state=TrialState.PRUNED)
        except (RuntimeError, ValueError, OSError) as error:
            logger.warning("trial %d failed: %s", folder_number(trial), reason_of(error))
            trial.set_user_attr("message", str(reason_of(error)))
            trial.study.tell(trial, state=TrialState.FAIL)
        else:
            trial.set_user_attr("seconds", seconds)
            trial.study.tell(trial, value)

    def _row(self, number: int, trial: FrozenTrial) -> Row:
        values = self.plan.space.decode({**trial.user_attrs.get("point", {}), **trial.params})
        marks = [name for name, mark in (self.plan.marks or {}).items() if mark.items() <= values.items()]
        state = "failed" if trial.state is TrialState.FAIL else trial.state.name.lower()
        return {
            "trial": number,
            "mark": ", ".join(marks),
            "state": state,
            "value": trial.value if state == "complete" else None,
            **{key: values.get(key) for key in self.plan.space.content},
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
