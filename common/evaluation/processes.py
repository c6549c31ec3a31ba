"""Sharing out over the processes of an evaluation what is computed of each case."""

from collections.abc import Mapping
from typing import TypeVar, cast

import ignite.distributed as idist

from ..data.sharing import own_batches

Key = TypeVar("Key")
Value = TypeVar("Value")


def own_cases(count: int, *, batch_size: int) -> list[int]:
    """Which of `count` cases this process computes, see `own_batches`."""
    places = range(count)
    batches = own_batches(places, batch_size=batch_size, rank=idist.get_rank(), world_size=idist.get_world_size())
    return [place for batch in batches for place in batch]


def gather(own: Mapping[Key, Value]) -> dict[Key, Value]:
    """What all processes have, each its `own`; all of them call this."""
    # Ignite's annotation tells of tensors and numbers alone; of anything else it makes a list, an item a process
    parts = cast(list[dict[Key, Value]], idist.all_gather(dict(own)))
    return {key: value for part in parts for key, value in part.items()}
