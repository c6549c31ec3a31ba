"""The data set of a generation: one seeded latent vector a sample."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from torch.utils.data import Dataset

from .conditions import class_number, with_class

UNCONDITIONAL: Mapping[str, Any] = {"by": None, "names": [], "shares": []}


def latent_seed(seed: int, index: int) -> int:
    """Seed of case `index` of the set of `seed`: other cases, more or fewer of them, do not change it."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0])


def case_name(index: int, *, prefix: str = "generated") -> str:
    """Id of case `index` of a set."""
    return f"{prefix}_{index:05d}"


class LatentDataset(Dataset):
    """Latent vectors z ~ N(0, 1), each from a seed of its own, so that any case can be made again alone.

    Args:
        num_samples: Number of samples.
        latent_dim: Length of z.
        seed: Of the whole set; the seed of case i is derived from (seed, i), see `latent_seed`.
        prefix: Case ids are ``<prefix>_00000`` and so on.
        indices: Of the set's cases, those that are drawn; by default all `num_samples`.
        conditions: Classes of the model, see `Conditions.settings`.
        condition: Name of the class of all samples; None draws each sample's, as often as in the training, from the
            sample's seed behind z, which is the same with and without it.

    An item is ``{"image": z (latent_dim,), "case_id": str, "seed": int}``; the latent is called `image` as MONAI's
    evaluators expect of their input. With classes the one-hot class follows z, (latent_dim + classes,), and
    ``condition`` is its name.

    Raises:
        ValueError: The model does not know the condition.
    """

    def __init__(
        self,
        num_samples: int,
        latent_dim: int,
        *,
        seed: int = 0,
        prefix: str = "generated",
        indices: Sequence[int] | None = None,
        conditions: Mapping[str, Any] = UNCONDITIONAL,
        condition: str | None = None,
    ) -> None:
        self.indices = range(num_samples) if indices is None else list(indices)
        self.seed = seed
        self.latent_dim = latent_dim
        self.prefix = prefix
        self.conditions = conditions
        self.shares = torch.tensor(conditions["shares"], dtype=torch.float64)
        if condition is not None:
            self.shares = F.one_hot(torch.tensor(class_number(conditions, condition)), len(self.shares)).double()

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> dict:
        seed = latent_seed(self.seed, self.indices[index])
        rng = torch.Generator().manual_seed(seed)
        item = {"image": torch.randn(self.latent_dim, generator=rng)}
        if len(self.shares):
            y = torch.multinomial(self.shares, 1, generator=rng)
            item = {"image": with_class(item["image"][None], y, len(self.shares))[0]}
            item["condition"] = self.conditions["names"][int(y)]
        return {**item, "case_id": case_name(self.indices[index], prefix=self.prefix), "seed": seed}
