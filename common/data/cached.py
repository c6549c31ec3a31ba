"""Preprocessed cases, computed once."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal, get_args

from monai.data import CacheDataset, Dataset, PersistentDataset
from monai.data.utils import pickle_hashing
from monai.transforms import Compose, Transform
from monai.utils import convert_to_tensor

from ..leftovers import remove_leftovers
from ..torch_file import DamagedFileError, read_torch, write_torch
from .drawn_pairs import DrawPair, PairSource

logger = logging.getLogger(__name__)
Cache = Literal["disk", "ram", "none"]


def cached_dataset(
    data: Sequence[Mapping[str, Any]],
    transform: Callable,
    *,
    cache: Cache = "disk",
    cache_dir: str | Path = "data/cache",
    num_workers: int = 0,
    pairs: PairSource | None = None,
) -> Dataset:
    """MONAI data set that keeps what the deterministic transforms at the start of ``transform`` make of each case.

    ``disk`` is filled as training goes, is kept between runs and is keyed by the case, the size and time of its files
    and every parameter of the transforms; ``ram`` is filled at once, by ``num_workers`` threads. Entries that name a
    pair of a generator have it drawn by ``pairs`` in front of the transforms.

    Raises:
        ValueError: The cache is of another kind.
    """
    if cache not in get_args(Cache):
        raise ValueError(f"cache is '{cache}', expected one of {', '.join(get_args(Cache))}")
    data = [{**case, "stamp": _stamp(case)} for case in data]
    if pairs is not None:
        steps = transform.transforms if isinstance(transform, Compose) else [transform]
        transform = Compose([DrawPair(pairs), *steps])  # flat: each random step keeps its seed
    if cache == "disk":
        remove_leftovers(cache_dir, deep=False)
        return DiskCache(data, transform, cache_dir=cache_dir, hash_transform=_hash)
    if cache == "ram":
        return CacheDataset(data, transform, num_workers=num_workers, progress=False)
    return Dataset(data, transform)


class DiskCache(PersistentDataset):
    """MONAI's `PersistentDataset`, whose entries are whole at any time, so that runs may share a folder.

    As of 1.6.1 MONAI's own writes to the system's temporary folder and moves the file, which between two file systems
    is a copy: a kill, a full disk or a second run leaves or reads half of one, and it makes anew only what has one of
    several kinds of damage. Here an entry is written beside its place and renamed, and what cannot be read is made
    again. An entry's checksums are compared once by each process, as that takes longer than reading it.
    """

    def _cachecheck(self, item: Any) -> Any:
        """The item behind the deterministic transforms, from its file or computed."""
        file = Path(self.cache_dir or "") / f"{self.hash_func(item).decode()}{self.transform_hash}.pt"
        try:
            return read_torch(file)
        except FileNotFoundError:
            pass
        except DamagedFileError as error:
            logger.warning("cached case made again: %s", error)
        result = self._pre_transform(deepcopy(item))
        with suppress(PermissionError):  # a cache that others fill is read, as MONAI does
            write_torch(convert_to_tensor(result, convert_numeric=False, track_meta=self.track_meta), file)
        return result


def _hash(transforms: Sequence[Transform]) -> bytes:
    """Of the parameters of all but `DrawPair`: entries say themselves which generator draws them."""
    return pickle_hashing([step for step in transforms if not isinstance(step, DrawPair)])


def _stamp(case: Mapping[str, Any]) -> list[int]:
    """Size and time of every file that the case names, so that a replaced file is not taken for the old one."""
    stamp: list[int] = []
    for value in case.values():
        with suppress(OSError, ValueError):  # a text too long for a path, or with characters that none has
            if isinstance(value, str | Path) and Path(value).is_file():
                stamp += [Path(value).stat().st_size, Path(value).stat().st_mtime_ns]
    return stamp
