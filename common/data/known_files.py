"""What earlier passes over a data set found, so that no file is read twice."""

import logging
from pathlib import Path
from typing import Any, TypeVar

from ..files import content_sha256, read_json, write_json

logger = logging.getLogger(__name__)
T = TypeVar("T")


def file_stamp(path: str | Path) -> list[str | int]:
    """Place, size and time of a file: a replaced or mended one has another. Links are followed.

    The place is a hash: what is remembered lies beside data that are handed on, and folders are named after users and
    patients.
    """
    file = Path(path).resolve()
    stat = file.stat()
    return [content_sha256(str(file)), stat.st_size, stat.st_mtime_ns]


def read_known(path: str | Path | None, *, default: T) -> T:
    """The JSON file of an earlier pass; `default` where there is none of its kind that can be read."""
    try:
        content = read_json(path, remedy="it is made again") if path is not None else default
    except (OSError, ValueError):
        return default
    return content if isinstance(content, type(default)) else default


def write_known(content: Any, path: str | Path) -> None:
    """Keep what this pass found; beside a read-only data set the log says that it will be found again."""
    try:
        write_json(content, path, sort_keys=True)
    except OSError as error:
        logger.info("%s cannot be written (%s): the next run reads the files again", path, error)
