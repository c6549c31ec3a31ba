"""A bundle's workflow in a process of its own: started, watched, ended with its parent, found again after a kill."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout

from ..leftovers import RUN_LOCK
from ..stopping import PARENT

logger = logging.getLogger(__name__)
PATIENCE = 300.0  # seconds that a process gets to end its step and keep its state; who ends us may have less
_LAST_LINES = 15  # of a log, in the message of a command that failed
_TOLD_TO_END = (130, 143, -signal.SIGINT, -signal.SIGTERM)
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Workflow:
    """What `run_workflow` runs.

    Attributes:
        run_id: Of the workflow.
        config_files: In the order in which they are laid over each other.
        options: Flat keys.
    """

    run_id: str
    config_files: Sequence[str]
    options: Options = field(default_factory=dict)


class Runner(Protocol):
    """What runs a workflow; `run_workflow`, or a stand-in in tests."""

    def __call__(
        self,
        run_id: str,
        configs: Sequence[str],
        options: Options,
        log: Path,
        *,
        watch: Callable[[], None] | None = None,
        interval: float = 10.0,
    ) -> None:
        """Run the workflow `run_id` of `configs` with flat keys, its output appended to `log`."""


def run_workflow(
    run_id: str,
    configs: Sequence[str],
    options: Options,
    log: Path,
    *,
    watch: Callable[[], None] | None = None,
    interval: float = 10.0,
) -> None:
    """Run ``monai.bundle`` in a process of its own, see `run_process`.

    Raises:
        RuntimeError: It failed; the message holds the log's last lines.
    """
    flags = [f"--{key}={value}" for key, value in options.items() if value is not None]
    command = [sys.executable, "-m", "monai.bundle", "run", run_id, "--config_file", str(list(configs)), *flags]
    if PARENT in os.environ:
        _wait_until_free(Path(options["output_dir"]))
    require_success(run_process(command, log, watch=watch, interval=interval), f"run {run_id}", log)


def require_success(status: int, name: str, log: Path) -> None:
    """Refuse another exit status than 0 of the command `name`.

    Raises:
        RuntimeError: The message holds the log's last lines.
    """
    if status:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-_LAST_LINES:])
        raise RuntimeError(f"`{name}` failed with {status}, see {log}; its last lines:\n{last}")


def _wait_until_free(output_dir: Path) -> None:
    """Let what a lost worker has left at work, maybe on another machine, keep its state; at most `PATIENCE`."""
    if (output_dir / RUN_LOCK).exists():
        with contextlib.suppress(Timeout, OSError), FileLock(output_dir / RUN_LOCK).acquire(timeout=PATIENCE):
            (output_dir / RUN_LOCK).unlink(missing_ok=True)


def run_process(
    command: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    watch: Callable[[], None] | None = None,
    interval: float = 10.0,
) -> int:
    """Exit status of a command, which ends with this process at the latest: a signal to this one is handed on.

    Its output is appended to `log`, its id stands beside that as ``.pid``. `watch` is called every `interval` seconds
    while it runs; what that raises ends the command and is passed on.
    """
    # threads that spin while they wait for each other take a core from whoever else works on the machine
    environment = {"OMP_WAIT_POLICY": "PASSIVE", **(os.environ if environment is None else environment)}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
    with _ended(process, log.with_suffix(".pid")):
        while process.poll() is None:
            try:
                process.wait(timeout=interval if watch else None)
            except subprocess.TimeoutExpired:
                if watch:
                    watch()
    if process.returncode in _TOLD_TO_END:
        time.sleep(1)  # a job that is ended gives all its processes the signal, and ours may be on the way
    return process.returncode


@contextlib.contextmanager
def _ended(process: subprocess.Popen, pid: Path) -> Iterator[None]:
    """The process has ended when the block has, whatever happens in it; `pid` tells `end_orphans` of it till then."""
    pid.write_text(str(process.pid))
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=PATIENCE)
        except BaseException as error:  # a second Ctrl-C too
            process.kill()
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
        finally:
            pid.unlink(missing_ok=True)


def end_orphans(folder: Path, *, patience: float = PATIENCE) -> None:
    """End processes that a killed run has left working below `folder`, where the system tells what they are (Linux)."""
    for path in sorted(folder.rglob("*.pid")):
        pid = int(path.read_text() or 0)
        if pid and _works_in(pid, folder):
            logger.warning("process %d of a killed run still works in %s: ending it", pid, folder)
            _end(pid, folder, patience)
        path.unlink(missing_ok=True)


def _works_in(pid: int, folder: Path) -> bool:
    """Whether the process was started with a path below `folder` in its options: another may have got the id."""
    process = Path("/proc") / str(pid)
    try:
        options = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        start = (process / "cwd").readlink()
    except OSError:
        return False
    paths = [start / option.rpartition("=")[2] for option in options if "/" in option]
    return any(path.resolve().is_relative_to(folder.resolve()) for path in paths)


def _end(pid: int, folder: Path, patience: float) -> None:
    until = time.monotonic() + patience
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        while _works_in(pid, folder) and time.monotonic() < until:
            time.sleep(0.1)
