"""Training items that say which class their case is of."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils.data import Dataset

from .draws import Draw
from .sized_dataset import SizedDataset


class ClassDataset(Dataset):
    """Items of `dataset`, each with its case's number among the classes as ``class``, an int64 tensor ().

    The class stands outside of what is cached, so that trainings with and without classes share their caches.

    Args:
        dataset: Asked by case, or by (case, draw).
        classes: Of each case, in the order of the data set.

    Raises:
        ValueError: Another number of classes than of cases.
    """

    def __init__(self, dataset: SizedDataset, classes: Sequence[int]) -> None:
        if len(dataset) != len(classes):
            raise ValueError(f"classes of {len(classes)} cases for a data set of {len(dataset)}, expected as many")
        self.dataset = dataset
        self.classes = torch.tensor(list(classes))

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, item: int | Draw) -> dict[str, Any]:
        case = item[0] if isinstance(item, tuple) else item
        return {**self.dataset[item], "class": self.classes[case]}
