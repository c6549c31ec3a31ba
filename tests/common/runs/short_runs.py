"""Runs of a second for the tests of the engine; imports nothing that a worker would wait for."""

import sys
from pathlib import Path

from common.runs.engine import Engine
from common.runs.tasks import Task, run_tasks
from common.runs.workflow_run import Workflow, run_process

TRAINING = """
import os, pathlib, signal, sys, time
folder, seconds = pathlib.Path(sys.argv[1].partition("=")[2]), float(sys.argv[2])
def keep(*_):
    (folder / "kept").touch()
    sys.exit(143)
signal.signal(signal.SIGTERM, keep)
with (folder / "starts").open("a") as file:
    file.write(f"{os.getpid()} {os.getppid()} {time.time()}\\n")
if (folder / "kept").exists():
    seconds = 0
if seconds < 0:
    sys.exit("out of memory")
time.sleep(seconds)
(folder / "model.pt").touch()
(folder / "cases.csv").write_text("case_id,foreground/dice\\na,0.5\\n")
"""


def run_short(run_id, configs, options, log, *, watch=None, interval=1.0):
    """A run that sleeps for its option ``seconds``, keeps its state when it is told to end, and then needs no more."""
    command = [sys.executable, "-c", TRAINING, f"--output_dir={options['output_dir']}", str(options.get("seconds", 0))]
    if status := run_process(command, log, watch=watch, interval=0.1):
        raise RuntimeError(f"`run {run_id}` failed with {status}: {log.read_text().splitlines()[-1]}")


def task(folder, seconds=0.0, after=()):
    return Task(folder, Workflow("training", ["train.yaml"], {"seconds": seconds}), after)


def starts(folder):
    """Process, worker and time of each start of a run."""
    rows = [line.split() for line in (folder / "starts").read_text().splitlines()]
    return [(int(pid), int(worker), float(second)) for pid, worker, second in rows]


def run_two(folder, *seconds, engine=None):
    """Two runs, ``a`` and ``b``, on two workers."""
    tasks = [task(Path(folder) / name, second) for name, second in zip("ab", seconds, strict=True)]
    run_tasks(tasks, runner=run_short, engine=engine or Engine(workers=2), desc="runs")
