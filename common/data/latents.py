"""The data set of a generation: one seeded latent vector a sample."""

import numpy as np
import torch
from torch.utils.data import Dataset


class LatentDataset(Dataset):
    """Latent vectors z ~ N(0, 1), each from a seed of its own, so that any case can be made again alone.

    Args:
        num_samples: Number of samples.
        latent_dim: Length of z.
        seed: Of the whole set; the seed of case i is derived from (seed, i).
        prefix: Case ids are ``<prefix>_00000`` and so on.

    An item is ``{"image": z (latent_dim,), "case_id": str, "seed": int}``; the latent is called `image` as MONAI's
    evaluators expect of their input.
    """

    def __init__(self, num_samples: int, latent_dim: int, *, seed: int = 0, prefix: str = "generated") -> None:
        self.seeds = [int(np.random.SeedSequence([seed, i]).generate_state(1)[0]) for i in range(num_samples)]
        self.latent_dim = latent_dim
        self.prefix = prefix

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int) -> dict:
        seed = self.seeds[index]
        z = torch.randn(self.latent_dim, generator=torch.Generator().manual_seed(seed))
        return {"image": z, "case_id": f"{self.prefix}_{index:05d}", "seed": seed}
