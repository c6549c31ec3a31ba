"""Temporary files and folders: those of living processes are locked, those of dead ones go at the next start."""

import logging
import os
import re
import secrets
import shutil
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nothing is locked there, and nothing removed
    fcntl = None  # type: ignore[assignment] # typeshed has the module on this platform, where the import succeeds

logger = logging.getLogger(__name__)
RUN_LOCK = ".run.lock"  # in an output_dir, see `one_run`
_LOCK = ".lock"  # in a temporary folder
_HOST = f"{zlib.crc32(socket.gethostname().encode()):08x}"
_NAME = re.compile(r"\.\d+(-(?P<host>[0-9a-f]{8})-[0-9a-f]{8})?\..+")  # the bare number: of earlier versions
_SILENCE = 3600.0  # seconds without a write, after which a file of another machine counts as left behind


def temporary_name(name: str, *, locked: bool = True) -> str:
    """Hidden name that ends in `name` and that no other process, here or on another machine, has.

    One that nobody will lock names no machine.
    """
    return f".{os.getpid()}-{_HOST if locked else 8 * '0'}-{secrets.token_hex(4)}.{name}"


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Make the file `path` and keep it locked for the block, so that nobody takes it for left behind.

    The system lets go of the lock when the process ends, however it ends. What opens the path by itself to write it is
    not hindered.
    """
    number = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        with suppress(OSError):  # a file system without locks
            if fcntl is not None:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(number)


@contextmanager
def temporary_folder(parent: Path, name: str) -> Iterator[Path]:
    """New folder in `parent`, which is gone when the block ends; after a kill it stays, until `remove_leftovers`."""
    folder = parent / temporary_name(name)
    folder.mkdir(parents=True)
    try:
        with held(folder / _LOCK):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(folder: str | os.PathLike, *, deep: bool = True) -> list[Path]:
    """Remove what killed processes have left of their temporary files and folders; gives back what went.

    A file of this machine is left behind when nobody locks it. Any other must have been silent for an hour too, for
    some file systems have locks that hold on one machine alone. Where there are no locks, everything stays.

    Args:
        folder: Where to look; it need not exist.
        deep: Look below it too.
    """
    removed = []
    for path in sorted(Path(folder).rglob(".*") if deep else Path(folder).glob(".*")):
        match = _NAME.fullmatch(path.name)
        if match is None or not _is_left_behind(path, own=match["host"] == _HOST):
            continue
        with suppress(OSError):  # not ours to remove, or another start was faster
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            removed.append(path)
    if removed:
        logger.info("removed %d temporary files of killed runs in %s", len(removed), folder)
    return removed


def _is_left_behind(path: Path, *, own: bool) -> bool:
    lock = path / _LOCK if path.is_dir() else path
    try:
        written = max(file.lstat().st_mtime for file in (path, lock) if os.path.lexists(file))
        silent = time.time() - written > _SILENCE
        if not (own or silent) or fcntl is None:
            return False
        if lock.is_symlink() or not lock.exists():  # a link, or a folder being made or removed
            return silent
        number = os.open(lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, or a file system without locks
        return False
    else:
        return True
    finally:
        os.close(number)
