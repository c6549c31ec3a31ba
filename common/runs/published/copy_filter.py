"""Tells generated pairs that are nearer to a training case than unseen real cases are, to keep them out of a set."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ...data.cached_array import read_cached, write_cached
from ...data.preprocessing import PREPARED_BY
from ...files import content_sha256, file_sha256
from ...metrics.memorisation import Memorisation, memorisation, nearest, shrink_pair
from ...progress import Progress


class CopyFilter:
    """The search for copies of `memorisation` in image space, one generated pair at a time.

    Pairs and cases are compared as small copies, see `shrink_pair`; those of the cases are kept on disk.

    Args:
        training: Entries, with absolute paths, of all cases that the generators were trained on.
        held_out: The same of cases that none of them has seen: the control.
        load: Entry to item: ``image`` (1, H, W, D) in [-1, 1] and ``label``, as the generators' training prepared them.
        recipe: What `load` does, plain values.
        folder: Keeps the small copies of the cases.
        quantile: Of the held-out cases' distances; pairs nearer than it count as copies.
        notes: What a reader of the result must know of the preparation.
    """

    def __init__(
        self,
        training: Sequence[Mapping[str, Any]],
        held_out: Sequence[Mapping[str, Any]],
        *,
        load: Callable[[dict[Any, Any]], Mapping[Any, Any]],
        recipe: Mapping[str, Any],
        folder: str | Path,
        quantile: float = 0.01,
        notes: Sequence[str] = (),
    ) -> None:
        self.training = list(training)
        self.held_out = list(held_out)
        self.load = load
        self.recipe = dict(recipe)
        self.folder = Path(folder)
        self.quantile = quantile
        self.notes = list(notes)

    @cached_property
    def control(self) -> Memorisation:
        """Of the held-out cases themselves: their distances to the training cases, and the threshold.

        Raises:
            ValueError: No case on a side, or one on both; see `memorisation`.
        """
        held_out = self._vectors(self.held_out, "held-out cases")
        ids = {"train_ids": _ids(self.training), "held_out_ids": _ids(self.held_out)}
        return memorisation(self._trained, held_out, held_out, quantile=self.quantile, **ids)

    @property
    def threshold(self) -> float:
        """Distance below which a pair counts as a copy."""
        return self.control.threshold

    @cached_property
    def identity(self) -> str:
        """Hash of what decides the threshold: both sides' files, the preparation, the quantile."""
        sides = [[_key(entry) for entry in side] for side in (self.training, self.held_out)]
        return content_sha256([sides, self.recipe, self.quantile])

    def distances(self, items: Iterable[Mapping[str, Any]], *, window: tuple[float, float]) -> np.ndarray:
        """Distance of each item, ``image`` and ``label`` (1, H, W, D), to its nearest training case.

        Items are taken one after the other, so that those of an iterator need not fit into memory together.
        """
        return nearest(np.stack([shrink_pair(item, window=window) for item in items]), self._trained)[0]

    def describe(self, distances: Sequence[float]) -> dict[str, Any]:
        """The comparison and what came of it for pairs at these `distances`, as plain values."""
        control = self.control
        return {
            "quantile": self.quantile,
            "notes": self.notes,
            "threshold": round(control.threshold, 6),
            "n_train": len(self.training),
            "n_held_out": len(self.held_out),
            "smallest_distance": round(float(np.min(distances)), 6),
            "median_distance": round(float(np.median(distances)), 6),
            "smallest_held_out_distance": round(float(control.held_out_distances.min()), 6),
            "median_held_out_distance": round(float(np.median(control.held_out_distances)), 6),
        }

    @cached_property
    def _trained(self) -> np.ndarray:
        return self._vectors(self.training, "training cases")

    def _vectors(self, entries: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
        """Small copies (N, cells)."""
        return np.stack([self._vector(entry) for entry in Progress(entries, name)]) if entries else np.empty(0)

    def _vector(self, entry: Mapping[str, Any]) -> np.ndarray:
        path = self.folder / f"{content_sha256([_key(entry), self.recipe])[:32]}.npy"
        if (vector := read_cached(path)) is None:
            vector = shrink_pair(self.load(dict(entry)), window=(-1, 1))
            write_cached(vector, path)
        return vector


def _ids(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    return [entry["case_id"] for entry in entries]


def _key(entry: Mapping[str, Any]) -> list[Any]:
    """What decides the small copy of a case, beside the recipe."""
    files = [file_sha256(entry[key]) for key in ("image", "label")]
    return [*files, {key: entry[key] for key in PREPARED_BY if key in entry}]
