"""Classes of training cases, for generators that are told which one to draw."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from .mask_labels import mask_labels

ConditionBy = Literal["centre", "labels"]


@dataclass(frozen=True)
class Conditions:
    """What cases are told apart by, the classes' names, sorted, and each case's class, by number."""

    by: ConditionBy
    names: list[str]
    of_case: list[int]

    @property
    def shares(self) -> list[float]:
        """Share of the cases that each class has."""
        counts = Counter(self.of_case)
        return [counts[number] / len(self.of_case) for number in range(len(self.names))]

    def settings(self) -> dict[str, Any]:
        """What a model file says of them, plain values."""
        return {"by": self.by, "names": self.names, "shares": self.shares}


def training_conditions(
    cases: Sequence[Mapping[str, Any]],
    *,
    by: ConditionBy,
    label_names: Mapping[str, str],
    known: str | Path | None = None,
    workers: int = 2,
) -> Conditions:
    """Classes of `cases`.

    Args:
        cases: Entries with absolute paths.
        by: ``centre`` is that of the data list; ``labels`` are those that the case's mask file holds, such as
            "tumour" or "tumour + lymph node".
        label_names: Number to name.
        known: JSON file that remembers the labels of masks by path, size and time, so that each is read once.
        workers: Threads that read.

    Raises:
        ValueError: `by` is unknown, or all cases are of one class.
    """
    if by not in get_args(ConditionBy):
        raise ValueError(f"condition_on is '{by}', expected one of {', '.join(get_args(ConditionBy))}")
    if by == "centre":
        found = [str(case["centre"]) for case in cases]
    else:
        labels = mask_labels(cases, known=known, workers=workers)
        held = [[value for value in values if value] or [0] for values in labels]
        found = [" + ".join(label_names.get(str(value), str(value)) for value in values) for values in held]
    names = sorted(set(found))
    if len(names) < 2:
        other = next(choice for choice in get_args(ConditionBy) if choice != by)
        raise ValueError(
            f"all {len(found)} training cases are of one class by their {by}, {names}: try --condition_on {other}, or "
            "train without the overlay conditional.yaml"
        )
    return Conditions(by, names, [names.index(name) for name in found])


def class_number(conditions: Mapping[str, Any], condition: str) -> int:
    """Number of the class named `condition`, of those a model file tells (`Conditions.settings`).

    Raises:
        ValueError: The model has no classes, or none of this name.
    """
    names = conditions["names"]
    if not names:
        raise ValueError(
            f"condition is '{condition}', but this model was trained without classes: leave --condition out, or name a "
            "--checkpoint that was trained with the overlay conditional.yaml"
        )
    if str(condition) not in names:
        known = ", ".join(f"'{name}'" for name in names)
        raise ValueError(f"condition is '{condition}', expected a {conditions['by']} of this model's training: {known}")
    return names.index(str(condition))


def with_class(z: Tensor, y: Tensor | None, classes: int) -> Tensor:
    """`z` (B, latent_dim) and behind it the one-hot class of `y` (B,); without classes `z` itself.

    Raises:
        ValueError: There are classes and no `y`.
    """
    if not classes:
        return z
    if y is None:
        raise ValueError(f"a generator of {classes} classes needs the class of each sample: expected y (B,), got none")
    return torch.cat([z, F.one_hot(y, classes).to(z.dtype)], dim=1)
