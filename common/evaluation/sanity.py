"""Do the scores order what they should? Real cases against real cases that were changed in known ways."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from ..files import write_csv, write_json
from ..metrics.comparison import compare
from ..metrics.resampling import Score
from .features import FeatureReader
from .volume_set import VolumeSet

logger = logging.getLogger(__name__)


class Sanity:
    """Scores one random half of the real cases against the other, as it is and changed.

    Args:
        real: All cases.
        reader: Of features.
        changes: Name → transform of an item of the second half.
        scores: Of two sets.
        output_dir: Gets `sanity.csv` and `sanity.json`.
        replicates, seed: Of the intervals; the seed also halves and shuffles.
        cases: Of each half; None is all.
    """

    def __init__(
        self,
        real: VolumeSet,
        *,
        reader: FeatureReader,
        changes: Mapping[str, Callable],
        scores: Mapping[str, Score],
        output_dir: str | Path,
        replicates: int = 200,
        seed: int = 0,
        cases: int | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.real = real
        self.reader = reader
        self.changes = dict(changes)
        self.scores = dict(scores)
        self.output_dir = Path(output_dir)
        self.replicates = replicates
        self.seed = seed
        if cases is not None and cases > len(real) // 2:
            raise ValueError(
                f"sanity_cases is {cases}, expected at most {len(real) // 2}, half of the {len(real)} real cases: set "
                "a smaller --sanity_cases, or leave it out for all"
            )
        self.size = cases or len(real) // 2
        self.settings = dict(settings or {})

    def run(self) -> list[dict[str, Any]]:
        """Score every change; rows ``change, extractor, score, view, value, low, high, n``, written as CSV and JSON."""
        order = np.random.default_rng(self.seed).permutation(len(self.real)).tolist()
        first = self.real.select(order[: self.size], name="first half")
        second = self.real.select(order[self.size : 2 * self.size], name="second half")
        variants = {"none": second} | {
            name: second.changed(change, name=name, settings=self.settings) for name, change in self.changes.items()
        }
        variants["masks shuffled"] = shuffle_masks(second, seed=self.seed)
        rows = [row for name, variant in variants.items() for row in self._rows(first, variant, name)]
        write_json(rows, self.output_dir / "sanity.json")
        write_csv(rows, self.output_dir / "sanity.csv")
        logger.info("wrote %s", self.output_dir / "sanity.csv")
        return rows

    def _rows(self, first: VolumeSet, variant: VolumeSet, name: str) -> list[dict[str, Any]]:
        rows = []
        scored = partial(compare, self.scores, replicates=self.replicates, splits=1, seed=self.seed)
        for extractor in self.reader.extractors:
            real, changed = (self.reader.read(side, extractor) for side in (first, variant))
            for view in self.reader.names:
                for score, row in scored(real[view], changed[view]).items():
                    low, high = row["interval"] or (None, None)
                    what = {"change": name, "extractor": extractor, "score": score, "view": view}
                    rows.append({**what, "value": row["value"], "low": low, "high": high, "n": row["n_real"]})
        return rows


def shuffle_masks(volumes: VolumeSet, *, seed: int = 0) -> VolumeSet:
    """The same images and the same masks, but every image with the mask of another case.

    Raises:
        ValueError: There are fewer than two cases.
    """
    if len(volumes) < 2:
        raise ValueError(f"{volumes.name}: {len(volumes)} case, shuffling masks takes two or more")
    order = np.random.default_rng(seed).permutation(len(volumes))
    partner = np.empty_like(order)
    partner[order] = np.roll(order, 1)  # one long cycle: nobody keeps the mask of its own
    cases = [{**case, "label": volumes.cases[p]["label"]} for case, p in zip(volumes.cases, partner, strict=True)]
    items = _Shuffled(volumes.volumes, partner.tolist())
    return replace(
        volumes, name="masks shuffled", cases=cases, volumes=items, recipe={**volumes.recipe, "changed": "masks"}
    )


class _Shuffled(Dataset):
    """Items with the mask of their partner."""

    def __init__(self, items: Any, partner: list[int]) -> None:
        self.items = items
        self.partner = partner

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {**self.items[index], "label": self.items[self.partner[index]]["label"]}
