"""Sharing work out over the processes of a run."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def own_batches(items: Sequence[T], *, batch_size: int, rank: int, world_size: int) -> list[list[T]]:
    """Batches `rank`, `rank` + `world_size`, … of `items`.

    A network's last bits may depend on the batch: the batches of all processes together are those of one process.
    """
    starts = range(rank * batch_size, len(items), world_size * batch_size)
    return [list(items[start : start + batch_size]) for start in starts]
