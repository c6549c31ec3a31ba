"""Features of volumes, a batch at a time, kept on disk by the hash of the files they come from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import DataLoader
from monai.utils import convert_to_tensor

from ..data.cached_array import read_cached, write_cached
from ..files import content_sha256
from ..networks.extractor import Extractor
from ..progress import Progress
from .processes import gather, own_cases
from .volume_set import VolumeSet

Features = dict[str, np.ndarray]


class FeatureReader:
    """Reads the features of volume sets: view → (N, d) float32, rows as the set's cases.

    A case is computed once for the content of its files, its preprocessing, the extractor's weights and the views;
    a killed run goes on where it stopped. Volumes are held a batch at a time.

    Args:
        extractors: By name.
        views: Transform of an item of a `VolumeSet` to one volume (1, H, W, D) in [-1, 1] a view.
        view_recipe: What `views` does; plain values.
        names: Of the views.
        cache_dir: Of the features; None keeps none.
        batch_size: Volumes at a time.
        num_workers: Processes that prepare volumes.
        device: That extracts.
    """

    def __init__(
        self,
        extractors: Mapping[str, Extractor],
        *,
        views: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        view_recipe: Mapping[str, Any],
        names: tuple[str, ...] = ("pair", "image", "mask"),
        cache_dir: str | Path | None = None,
        batch_size: int = 2,
        num_workers: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.extractors = {name: extractor.to(device) for name, extractor in extractors.items()}
        self.views = views
        self.view_recipe = dict(view_recipe)
        self.names = tuple(names)
        self.cache_dir = None if cache_dir is None else Path(cache_dir)
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.device = device
        self._rows: dict[str, np.ndarray] = {}

    def read(self, volumes: VolumeSet, extractor: str, *, names: Sequence[str] | None = None) -> Features:
        """Features of the views `names`: by default all, or ``image`` alone for a set without masks."""
        keys = self._fill(volumes, extractor, names, range(len(volumes)))
        return {name: np.stack([self._rows[key] for key in rows]) for name, rows in keys.items()}

    def share(self, volumes: VolumeSet, extractor: str, *, names: Sequence[str] | None = None) -> None:
        """Let each process compute its batches of what `read` returns; all call it, and all have all rows then."""
        indices = own_cases(len(volumes), batch_size=self.batch_size)
        keys = self._fill(volumes, extractor, names, indices)
        self._rows |= gather({rows[i]: self._rows[rows[i]] for rows in keys.values() for i in indices})

    def _fill(
        self, volumes: VolumeSet, extractor: str, names: Sequence[str] | None, indices: Sequence[int]
    ) -> dict[str, list[str]]:
        """Have the rows of the cases at `indices` in memory; the keys of all cases by view."""
        names = tuple(names or (self.names if volumes.has_labels else ("image",)))
        recipe = [self.extractors[extractor].describe(), self.view_recipe]
        keys = {name: [content_sha256([key, *recipe, name]) for key in volumes.keys] for name in names}
        for key in (rows[i] for rows in keys.values() for i in indices if rows[i] not in self._rows):
            if (path := self._path(key)) and (row := read_cached(path)) is not None:
                self._rows[key] = row
        missing = [i for i in indices if any(rows[i] not in self._rows for rows in keys.values())]
        computed = self._compute(volumes, self.extractors[extractor], missing, names)
        for i in Progress(missing, desc=f"{extractor} of {volumes.name}", disable=not missing):
            for name, vector in next(computed).items():
                self._rows[keys[name][i]] = vector
                if path := self._path(keys[name][i]):
                    write_cached(vector, path)
        return keys

    def _compute(
        self, volumes: VolumeSet, extractor: Extractor, missing: list[int], names: tuple[str, ...]
    ) -> Iterator[Features]:
        prepared = volumes.select(missing).mapped(self.views)
        for batch in DataLoader(prepared, batch_size=self.batch_size, num_workers=self.num_workers):
            alike: dict[torch.Size, list[str]] = {}  # views of one size go in together: an extractor may share work
            for name in names:
                alike.setdefault(batch[name].shape, []).append(name)
            features: Features = {}
            for group in alike.values():
                stacked = torch.cat([batch[name] for name in group])
                plain = convert_to_tensor(stacked, track_meta=False)  # metadata would be carried through each layer
                rows = extractor(plain.to(self.device)).float().cpu()
                features |= zip(group, rows.unflatten(0, (len(group), -1)).numpy(), strict=True)
            for i in range(len(batch[names[0]])):
                yield {name: features[name][i] for name in names}

    def _path(self, key: str) -> Path | None:
        return self.cache_dir / key[:2] / f"{key}.npy" if self.cache_dir else None
