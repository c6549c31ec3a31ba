"""Which labels the masks of a data set hold."""

import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from ..files import write_json

logger = logging.getLogger(__name__)


def mask_labels(
    cases: Sequence[Mapping[str, Any]], *, known: str | Path | None = None, workers: int = 2
) -> list[list[int]]:
    """Values of each case's mask file, ascending, background included.

    Args:
        cases: Entries with absolute paths.
        known: JSON file that remembers them by path, size and time of the masks, so that each is read once.
        workers: Threads that read.
    """
    keys = [_key(case["label"]) for case in cases]
    memory = _read_known(known)
    missing = {key: case["label"] for key, case in zip(keys, cases, strict=True) if key not in memory}
    with ThreadPoolExecutor(workers) as pool:  # decompressing lets go of the lock
        fresh = dict(zip(missing, pool.map(_values, missing.values()), strict=True))
    memory |= fresh
    if known is not None and fresh:
        _write_known(known, memory)
    return [memory[key] for key in keys]


def _values(path: str | Path) -> list[int]:
    return [int(value) for value in np.unique(np.asanyarray(nib.load(path).dataobj))]


def _key(path: str | Path) -> str:
    file = Path(path).resolve()
    return json.dumps([str(file), file.stat().st_size, file.stat().st_mtime_ns])


def _read_known(path: str | Path | None) -> dict[str, list[int]]:
    try:
        return dict(json.loads(Path(path).read_text())) if path is not None else {}
    except (OSError, ValueError):
        return {}


def _write_known(path: str | Path, memory: Mapping[str, Sequence[int]]) -> None:
    try:
        write_json(dict(memory), path, sort_keys=True)
    except OSError as error:  # of a read-only data set the masks are read each time
        logger.info("%s cannot be written (%s): the masks will be read again", path, error)
