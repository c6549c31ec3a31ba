"""Which labels the masks of a data set hold."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from .known_files import file_stamp, read_known, write_known
from .volume_file import open_volume, read_mask


def mask_labels(
    cases: Sequence[Mapping[str, Any]], *, known: str | Path | None = None, workers: int = 2
) -> list[list[int]]:
    """Values of each case's mask file, ascending, background included.

    Args:
        cases: Entries with absolute paths.
        known: JSON file that remembers them by path, size and time of the masks, so that each is read once.
        workers: Threads that read.
    """
    keys = [json.dumps(file_stamp(case["label"])) for case in cases]
    memory: dict[str, list[int]] = read_known(known, default={})
    missing = {key: case["label"] for key, case in zip(keys, cases, strict=True) if key not in memory}
    with ThreadPoolExecutor(workers) as pool:  # decompressing lets go of the lock
        fresh = dict(zip(missing, pool.map(_values, missing.values()), strict=True))
    memory |= fresh
    if known is not None and fresh:
        write_known(memory, known)
    return [memory[key] for key in keys]


def _values(path: str | Path) -> list[int]:
    return [int(value) for value in np.unique(read_mask(open_volume(path), path=path))]
