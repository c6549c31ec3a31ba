"""Generated pairs without files: entries that name a pair by its number, and what draws it when it is asked for."""

from collections.abc import Mapping
from threading import Lock
from typing import Any, Protocol

from monai.transforms import Transform

from .generated_set import GeneratedSet

_ONE_AT_A_TIME = Lock()  # threads that fill a cache share one network


class PairSource(Protocol):
    """A generator in the place of a generated set."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Value to name, of its masks."""
        ...

    def generated_set(self, count: int, *, renewed: bool) -> GeneratedSet:
        """What its first `count` pairs are as a set, whose entries name a pair by its number in ``pair``.

        With `renewed` all of its pairs: the entries are places of a training that get a new one with each draw.
        """
        ...

    def draw(self, number: int) -> dict[str, Any]:
        """Pair `number`: ``image`` and ``label``, MetaTensors (1, H, W, D) with what the files of a set would hold."""
        ...

    def describe(self) -> dict[str, Any]:
        """Plain values: equal ones mean equal pairs."""
        ...


class DrawPair(Transform):
    """Gives an entry that has ``pair``, a number, the volumes of that pair; other entries pass."""

    def __init__(self, source: PairSource) -> None:
        self.source = source

    def __call__(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Draw; the same number gives the same volumes."""
        if "pair" not in entry:
            return dict(entry)
        with _ONE_AT_A_TIME:
            return {**entry, **self.source.draw(entry["pair"])}
