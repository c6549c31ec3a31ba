"""Writing files so that a killed process leaves the old one or the new one, never half of one; and their hashes."""

import csv
import errno
import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import yaml

from .leftovers import held, temporary_name

YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML was built with it
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG)


@contextmanager
def replacing(path: str | os.PathLike, *, locked: bool = True) -> Iterator[Path]:
    """Temporary path beside `path`, with the same suffixes, that takes its place when the block ends without error.

    The folder is made when it is missing. On an error nothing but the old file remains; after a kill the temporary one
    stays, until `remove_leftovers`.

    Args:
        path: Of the file.
        locked: Whether there is an empty, locked file to write into; else nothing, for links and for SQLite, which has
            locks of its own.
    """
    path = Path(path)
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(temporary_name(path.name, locked=locked))
    try:
        with naming(path), held(temporary) if locked else nullcontext():
            yield temporary
            temporary.replace(path)
    finally:
        with suppress(OSError):  # of a folder that there is not
            temporary.unlink(missing_ok=True)


@contextmanager
def naming(path: str | os.PathLike) -> Iterator[None]:
    """Lets what the system says against writing `path` name it, and say what to do.

    Raises:
        OSError: With the number of the system's own error, for a full disk and for a place that cannot be written.
    """
    try:
        yield
    except OSError as error:
        place = None if error.filename is None else Path(os.fsdecode(error.filename))
        ours = place is None or place in Path(path).parents or place.parent == Path(path).parent
        if error.errno in _FULL:
            remedy = "free space on that disk, or name a folder on another one, and start the same command again"
        elif error.errno in _REFUSED and ours:
            remedy = "name another folder, or allow this user to write here"
        else:
            raise
        raise OSError(error.errno, f"{path} cannot be written ({error.strerror}): {remedy}") from error


def write_json(content: Any, path: str | os.PathLike, *, sort_keys: bool = False) -> None:
    """Write ``content`` as indented JSON, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2, sort_keys=sort_keys) + "\n")


def read_json(path: str | os.PathLike, *, remedy: str, keys: Collection[str] = ()) -> Any:
    """Content of a JSON file.

    Args:
        path: Of the file.
        remedy: What to do about one that cannot be read, for the message.
        keys: That an object in it must have; with none the content may be anything.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It is not a text in UTF-8, no JSON, or lacks keys.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not a text in UTF-8 ({error.reason} at byte {error.start}), expected JSON in UTF-8: {remedy}"
        ) from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is no JSON ({error}): {remedy}") from error
    if keys and not isinstance(content, dict):
        raise ValueError(f"{path} holds {str(content)[:40]!r}, expected an object with {', '.join(keys)}: {remedy}")
    if lacking := [key for key in keys if key not in content]:
        raise ValueError(f"{path} has no {', '.join(lacking)}, expected it to be whole: {remedy}")
    return content


def parse_yaml(text: str) -> Any:
    """Content of YAML text."""
    return yaml.load(text, Loader=YAML_LOADER)


def write_csv(rows: Sequence[Mapping[str, Any]], path: str | os.PathLike, *, columns: Sequence[str] = ()) -> None:
    """Write rows as CSV with a header, whole or not at all.

    The columns are `columns`, then all other keys of the rows in the order they come; what a row lacks is left empty.
    """
    header = dict.fromkeys([*columns, *(key for row in rows for key in row)])
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(header), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def file_sha256(path: str | os.PathLike) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_sha256(content: Any) -> str:
    """SHA-256 of plain values, whatever the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=list).encode()).hexdigest()
