"""Training items whose random transforms depend on a seed and the draw's number alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from monai.transforms import Compose
from torch.utils.data import Dataset

from .cached import Cache, cached_dataset
from .drawn_pairs import PairSource

Draw = tuple[int, int]


class DrawDataset(Dataset):
    """Cases through `transform`, whose random part is seeded anew for each draw.

    An item is asked for by ``(case, draw)``, as `DrawBatchSampler` does: crops and augmentation are then the same
    whatever process computes them, so that a resumed run sees what an uninterrupted one would have. A plain index is
    draw 0. The pair of an entry that is ``renewed`` is that of the draw's number, so that each draw has its own, on
    whichever of several devices; it is not cached.

    Args:
        data: Entries.
        transform: Deterministic transforms, which are cached, and random ones behind them.
        seed: Of the random ones.
        cache, cache_dir, num_workers, pairs: See `cached_dataset`.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        transform: Compose,
        *,
        seed: int,
        cache: Cache = "disk",
        cache_dir: str | Path = "data/cache",
        num_workers: int = 0,
        pairs: PairSource | None = None,
    ) -> None:
        self.data = data
        self.transform = transform
        self.seed = seed
        kept = [number for number, case in enumerate(data) if not case.get("renewed")]
        self.places = {number: place for place, number in enumerate(kept)}
        self.items = cached_dataset(
            [data[number] for number in kept],
            transform,
            cache=cache,
            cache_dir=cache_dir,
            num_workers=num_workers,
            pairs=pairs,
        )

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, item: int | Draw) -> Any:
        case, draw = item if isinstance(item, tuple) else (item, 0)
        seed = np.random.SeedSequence([self.seed, draw]).generate_state(1)[0]
        self.items.transform.set_random_state(int(seed))
        if case in self.places:
            return self.items[self.places[case]]
        return self.items.transform({**self.data[case], "pair": draw})
