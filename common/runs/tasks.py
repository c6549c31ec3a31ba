"""Runs that make up an experiment: each once, after those that it needs, on the workers of an engine."""

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files import read_json, write_json
from ..progress import Progress
from ..same_settings import require_same_settings
from .config_content import config_content
from .engine import WANTED, Engine
from .workflow_run import Runner, Workflow, end_orphans

logger = logging.getLogger(__name__)
DONE = "done.json"


@dataclass(frozen=True)
class Task:
    """A run with a folder of its own.

    Attributes:
        folder: Its ``output_dir``.
        workflow: What is run.
        after: Folders of the tasks that must have finished before.
    """

    folder: Path
    workflow: Workflow
    after: Sequence[Path] = ()


def run_tasks(tasks: Sequence[Task], *, runner: Runner, engine: Engine, desc: str) -> None:
    """Run those that are missing; the first that fails ends all others, which keep their state.

    Args:
        tasks: What one needs stands before it.
        runner: Runs a workflow.
        engine: Where.
        desc: Of the progress bar.

    Raises:
        ValueError: A folder is finished with other settings, or while what it was made from is not.
        RuntimeError: A run failed; the message holds its log's last lines.
    """
    missing = [task for task in tasks if not is_finished(task)]
    _require_no_older(tasks, missing)
    if engine.one_by_one:
        for task in Progress(missing, desc=desc):
            run_task(task, runner)
        return
    if not missing:
        return
    with engine.pool() as pool, Progress(total=len(missing), desc=desc) as bar:
        futures: dict[Path, Any] = {}
        for task in missing:
            before = [futures[folder] for folder in task.after if folder in futures]
            name = "/".join(task.folder.parts[-3:])
            futures[task.folder] = pool.submit(name, run_task, task, runner, after=before)
        waiting = list(futures.values())
        while waiting:
            for future in pool.wait(waiting):
                waiting.remove(future)
                pool.result(future)
                bar.update()


def _require_no_older(tasks: Sequence[Task], missing: Sequence[Task]) -> None:
    """Refuse tasks that are finished where one that they come after is run anew: they hold what the old one gave."""
    anew = {task.folder for task in missing}
    older = [task.folder for task in tasks if task.folder not in anew and anew & set(task.after)]
    if older:
        raise ValueError(
            f"{', '.join(map(str, older))}: found finished, but made from a run that is missing, expected both or "
            "none: remove these folders, too, and they are run again"
        )


def is_finished(task: Task) -> bool:
    """Whether the folder holds this very run, finished.

    Raises:
        ValueError: It holds another.
    """
    done = task.folder / DONE
    if not done.is_file():
        return False
    remedy = f"Repeat its settings, remove {task.folder} to run it anew, or name another --output_dir."
    found = read_json(done, remedy=remedy, keys=("configs", "options"))
    older = () if "content" in found else ("content",)
    require_same_settings(found, _settings(task), source=done, remedy=remedy, may_differ=("seconds", *older))
    logger.info("%s is finished", task.folder)
    return True


def run_task(task: Task, runner: Runner, *, watch: Callable[[], None] | None = None) -> None:
    """Run the workflow in its folder, and note there that it has finished, and how long it took.

    Args:
        task: Not finished.
        runner: Runs a workflow.
        watch: Of an engine's worker; see `Pool.submit`.
    """
    start = time.monotonic()
    workflow, log = task.workflow, task.folder / f"{task.workflow.run_id}.log"
    options = {**workflow.options, "output_dir": str(task.folder)}
    if watch is None:
        runner(workflow.run_id, workflow.config_files, options, log)
    else:
        end_orphans(task.folder)  # of a worker that was lost
        if (task.folder / DONE).is_file():  # lost after the last line of it
            return
        runner(workflow.run_id, workflow.config_files, options, log, watch=watch, interval=WANTED)
    write_json({**_settings(task), "seconds": round(time.monotonic() - start, 1)}, task.folder / DONE)


def _settings(task: Task) -> dict:
    """What a run is made of: its config files by name and by what they say, comments aside, and its options."""
    files, options = list(task.workflow.config_files), json.loads(json.dumps(dict(task.workflow.options)))
    return {"configs": files, "content": config_content(files), "options": options}
