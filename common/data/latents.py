"""The data set of a generation: one seeded latent vector a sample."""

from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.data import Dataset


def latent_seed(seed: int, index: int) -> int:
    """Seed of case `index` of the set of `seed`: other cases, more or fewer of them, do not change it."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0])


class LatentDataset(Dataset):
    """Latent vectors z ~ N(0, 1), each from a seed of its own, so that any case can be made again alone.

    Args:
        num_samples: Number of samples.
        latent_dim: Length of z.
        seed: Of the whole set; the seed of case i is derived from (seed, i), see `latent_seed`.
        prefix: Case ids are ``<prefix>_00000`` and so on.
        indices: Of the set's cases, those that are drawn; by default all `num_samples`.

    An item is ``{"image": z (latent_dim,), "case_id": str, "seed": int}``; the latent is called `image` as MONAI's
    evaluators expect of their input.
    """

    def __init__(
        self,
        num_samples: int,
        latent_dim: int,
        *,
        seed: int = 0,
        prefix: str = "generated",
        indices: Sequence[int] | None = None,
    ) -> None:
        self.indices = list(range(num_samples) if indices is None else indices)
        self.seeds = [latent_seed(seed, i) for i in self.indices]
        self.latent_dim = latent_dim
        self.prefix = prefix

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int) -> dict:
        seed = self.seeds[index]
        z = torch.randn(self.latent_dim, generator=torch.Generator().manual_seed(seed))
        return {"image": z, "case_id": f"{self.prefix}_{self.indices[index]:05d}", "seed": seed}
