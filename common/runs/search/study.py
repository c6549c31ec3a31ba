"""The Optuna study of a hyperparameter search: shared by many machines, and gone on with after a kill.

Who works on a trial stands in the trial itself, as the heartbeat of Optuna 5.0 works in relational storages alone (a
killed trial of a journal stays marked as running), only within `Study.optimize`, and loses the trial of a process
that is killed between giving it up and queueing it again.
"""

import logging
import os
import socket
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from ...same_settings import require_same_settings
from ...stopping import process_lives

logger = logging.getLogger(__name__)
Point = Mapping[str, Any]
_JOURNAL = "journal://"
_SETTLED = 10.0  # seconds after which a lost trial that nobody has queued again is queued
_MADE_TWICE = ("already exists", "duplicate key", "unique constraint", "duplicate entry")  # of several databases
_CREATION = 30.0  # seconds that another machine is given to fill a new study


def open_storage(url: str | BaseStorage) -> BaseStorage:
    """Storage of an Optuna URL, or of ``journal:///path``: a file that grows by lines, for shared folders."""
    if isinstance(url, BaseStorage):
        return url
    if url.startswith(_JOURNAL):
        path = Path(url.removeprefix(_JOURNAL))
        path.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(path)))
    # another process may hold the file for a moment
    waits = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
    until = time.monotonic() + _CREATION
    while True:
        try:
            return RDBStorage(url, engine_kwargs=waits)
        except Exception as error:
            if not isinstance(error, ImportError) and not type(error).__module__.startswith("sqlalchemy"):
                raise
            if not any(word in str(error).lower() for word in _MADE_TWICE) or time.monotonic() > until:
                raise ValueError(
                    f"storage is {url!r}, which cannot be opened ({error.__cause__ or error}), expected "
                    "journal:///path, sqlite:///path or the address of a database whose driver is installed (of "
                    "PostgreSQL: pip install 'psycopg[binary]'): set another --storage, or leave it out"
                ) from error
            time.sleep(1)  # another machine makes the tables too, and was a moment ahead


def open_study(
    name: str, *, storage: BaseStorage, description: Mapping[str, Any], points: Sequence[Point]
) -> optuna.Study:
    """Make the study with `points` in its queue, or join it.

    Args:
        name: Of the study in its storage.
        storage: Of `open_storage`.
        description: What must be equal for trials to be comparable; its ``direction`` is the study's.
        points: Values of the first trials, in their order; none where a sampler draws them.

    Raises:
        ValueError: The storage has a study of this name with another description.
    """
    try:
        study = optuna.create_study(storage=storage, study_name=name, direction=description["direction"])
    except DuplicatedStudyError:
        study = optuna.load_study(study_name=name, storage=storage)
        until = time.monotonic() + _CREATION
        while "filled" not in study.user_attrs and time.monotonic() < until:
            time.sleep(0.5)  # its maker may be at it on another machine, or was killed while it was
    if "filled" not in study.user_attrs:
        study.set_user_attr("search", dict(description))
    remedy = "Repeat its settings, or name another --study or --output_dir."
    found = study.user_attrs["search"]
    require_same_settings(found, description, source=f"the study '{name}' in the storage", remedy=remedy)
    queued = [trial.user_attrs.get("point") for trial in newest_trials(study).values()]
    for point in points:
        if dict(point) not in queued:
            study.enqueue_trial(dict(point), user_attrs={"point": dict(point)})
    study.set_user_attr("filled", True)
    return study


def folder_number(trial: FrozenTrial | Trial) -> int:
    """Number of a trial's folder: its own, or that of the trial that it goes on with."""
    return trial.user_attrs.get("folder", trial.number)


def newest_trials(study: optuna.Study) -> dict[int, FrozenTrial]:
    """Folder's number → the last trial in it; without those that a race between machines has drawn too many."""
    trials = study.get_trials(deepcopy=False)
    kept = [trial for trial in trials if "surplus" not in trial.user_attrs]
    return dict(sorted({folder_number(trial): trial for trial in kept}.items()))


def position(study: optuna.Study, trial: Trial) -> int:
    """Place of a trial among all folders: what its number would be had no trial been lost."""
    return sum(number < folder_number(trial) for number in newest_trials(study))


def beat(trial: Trial) -> None:
    """Say who works on a trial, and that it still does."""
    trial.set_user_attr("worker", {"host": socket.gethostname(), "pid": os.getpid(), "beat": time.time()})


def queue_lost(study: optuna.Study, *, patience: float, retry_failed: bool = False, ours: Collection[int] = ()) -> None:
    """Queue trials again whose process is gone: same values, same folder.

    Args:
        study: Whose trials are marked as running.
        patience: Seconds without a beat after which another machine's trial is given up.
        retry_failed: Queue failed trials as well.
        ours: Numbers of the trials that this process has running.
    """
    for number, trial in newest_trials(study).items():
        if trial.state is TrialState.RUNNING and trial.number not in ours and _is_lost(trial, patience):
            if _give_up(study, trial):
                _queue_again(study, trial, number)
        elif trial.state is TrialState.FAIL and (retry_failed or _is_forgotten(study, trial)):
            _queue_again(study, trial, number)


def _is_lost(trial: FrozenTrial, patience: float) -> bool:
    worker = trial.user_attrs.get("worker")
    if worker is None:
        return _seconds_since(trial.datetime_start) > patience
    if worker["host"] == socket.gethostname() and (worker["pid"] == os.getpid() or not process_lives(worker["pid"])):
        return True
    return time.time() - worker["beat"] > patience


def _give_up(study: optuna.Study, trial: FrozenTrial) -> bool:
    """Whether this process, among all that may try, has ended the trial."""
    try:
        study.set_user_attr(_lost(trial), True)
        study.tell(trial.number, state=TrialState.FAIL)
    except (ValueError, UpdateFinishedTrialError):
        return False
    return True


def _is_forgotten(study: optuna.Study, trial: FrozenTrial) -> bool:
    """Given up by a process that was killed before it could queue it again."""
    if _lost(trial) not in study.user_attrs:
        return False
    return _seconds_since(trial.datetime_complete) > _SETTLED


def _seconds_since(moment: datetime | None) -> float:
    """None, which a trial in that state does not have, is now."""
    return (datetime.now() - moment).total_seconds() if moment else 0.0


def _lost(trial: FrozenTrial) -> str:
    return f"lost {trial.number}"


def _queue_again(study: optuna.Study, trial: FrozenTrial, number: int) -> None:
    point = {**trial.user_attrs.get("point", {}), **trial.params}
    resumed = trial.user_attrs.get("resumed", 0) + 1
    logger.info("trial %d was lost or has failed: it is queued again", number)
    study.enqueue_trial(point, user_attrs={"point": point, "folder": number, "resumed": resumed})
