"""One run at a time writes into an `output_dir`: every workflow begins and ends here."""

import atexit
import errno
import os
import socket
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import ignite.distributed as idist
from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from .files import read_json, write_json
from .leftovers import RUN_LOCK as LOCK_NAME
from .leftovers import remove_leftovers
from .stopping import STOP_SIGNALS

HOLDER_NAME = ".run.json"
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)
_held: dict[Path, BaseFileLock | None] = {}  # None: this process is one of several, or shares the folder


class FolderInUseError(RuntimeError):
    """Another run writes into the folder."""


def begin_run(output_dir: str | os.PathLike, *, shared: bool = False) -> None:
    """Take `output_dir` for this run until `end_run`, or until the process ends, however it does.

    From then on SIGTERM and Ctrl-C end the run in order, see `StopSignals`. Temporary files of killed runs are removed.
    Processes that `torchrun` started together are one run.

    Args:
        output_dir: Made where it is missing.
        shared: Several runs may write here, each into folders of its own.

    Raises:
        FolderInUseError: Another run has it; the message names its process, machine and start.
        ValueError: The folder cannot be made or written.
    """
    folder = Path(output_dir).resolve()
    if folder in _held:  # a run before failed, in this very process
        return
    error: Exception | None = None
    lock = None
    try:
        if not shared and idist.get_rank() == 0:
            lock = _taken(folder)
    except (FolderInUseError, ValueError) as refusal:
        error = refusal
    if idist.get_world_size() > 1 and idist.all_reduce(float(error is not None)) and error is None:
        error = FolderInUseError(f"{output_dir} is refused, see the first process")
    if error is not None:
        raise error
    if not _held:
        atexit.register(_end_with, os.getpid())
    _held[folder] = lock
    STOP_SIGNALS.listen()
    if lock is not None:
        remove_leftovers(folder)


def end_run(output_dir: str | os.PathLike) -> None:
    """Leave the folder to others."""
    folder = Path(output_dir).resolve()
    if (lock := _held.pop(folder, None)) is not None:
        (folder / HOLDER_NAME).unlink(missing_ok=True)
        Path(lock.lock_file).unlink(missing_ok=True)  # who tries to take it now looks whether its file is still there
        lock.release()
    if not _held:
        STOP_SIGNALS.leave()


def end_all_runs() -> None:
    """Leave every folder, as the process does when it ends: for a notebook that goes on after a run has failed."""
    for folder in list(_held):
        end_run(folder)


def _end_with(process: int) -> None:
    if os.getpid() == process:  # and not one that was forked off it
        end_all_runs()


def _taken(folder: Path) -> BaseFileLock:
    """The lock of `folder`, with a note beside it of who has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _lock(folder / LOCK_NAME)
        start = datetime.now().astimezone().isoformat(timespec="seconds")
        command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:500]
        holder = {"process": os.getpid(), "host": socket.gethostname(), "start": start, "command": command}
        write_json(holder, folder / HOLDER_NAME)
    except Timeout:
        raise FolderInUseError(
            f"{folder} is in use by {_holder(folder)}: wait for that run, end it, or name another --output_dir"
        ) from None
    except OSError as error:
        raise ValueError(f"output_dir {folder} cannot be written ({error}): name another --output_dir") from error
    return lock


def _lock(path: Path) -> BaseFileLock:
    """The system's lock, which ends with its process; where there are none, a file that names its owner."""
    lock: BaseFileLock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        lock = SoftFileLock(path.with_suffix(".owner"), thread_local=False)
        lock.acquire(timeout=0)
    return lock


def _holder(folder: Path) -> str:
    with suppress(OSError, ValueError, KeyError):
        holder = read_json(folder / HOLDER_NAME, remedy="wait for that run")
        return (
            f"process {holder['process']} on {holder['host']}, which has run since {holder['start']} "
            f"({holder['command']})"
        )
    return "another run, which has just begun"
