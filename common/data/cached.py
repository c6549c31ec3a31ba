"""Preprocessed cases, computed once."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, get_args

from monai.data import CacheDataset, Dataset, PersistentDataset
from monai.data.utils import pickle_hashing

Cache = Literal["disk", "ram", "none"]


def cached_dataset(
    data: Sequence[Mapping[str, Any]],
    transform: Callable,
    *,
    cache: Cache = "disk",
    cache_dir: str | Path = "data/cache",
    num_workers: int = 0,
) -> Dataset:
    """MONAI data set that keeps what the deterministic transforms at the start of ``transform`` make of each case.

    ``disk`` is filled as training goes, is kept between runs and is keyed by the case, the size and time of its files
    and every parameter of the transforms; ``ram`` is filled at once, by ``num_workers`` threads.

    Raises:
        ValueError: The cache is of another kind.
    """
    if cache not in get_args(Cache):
        raise ValueError(f"cache is '{cache}', expected one of {', '.join(get_args(Cache))}")
    data = [{**case, "stamp": _stamp(case)} for case in data]
    if cache == "disk":
        return PersistentDataset(data, transform, cache_dir=cache_dir, hash_transform=pickle_hashing)
    if cache == "ram":
        return CacheDataset(data, transform, num_workers=num_workers, progress=False)
    return Dataset(data, transform)


def _stamp(case: Mapping[str, Any]) -> list[int]:
    """Size and time of every file that the case names, so that a replaced file is not taken for the old one."""
    stamp: list[int] = []
    for value in case.values():
        with suppress(OSError, ValueError):  # a text too long for a path, or with characters that none has
            if isinstance(value, str | Path) and Path(value).is_file():
                stamp += [Path(value).stat().st_size, Path(value).stat().st_mtime_ns]
    return stamp
