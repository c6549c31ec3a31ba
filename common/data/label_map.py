"""Label values of mask files, as a data list names them, and the classes 0 … n - 1 that everything inside counts in.

Class k is the list's k-th value: of the values 0, 1 and 5 the classes are 0, 1 and 2. Where values are 0 … n - 1 they
are the classes, and nothing is changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .volume_file import open_volume, read_mask


def ordered_values(labels: Iterable[str | int]) -> list[int]:
    """Values in order, of a list's labels (value to name) or of a model's ``label_names``; 0 is always one of them."""
    values = {int(value) for value in labels}
    return sorted(values | {0}) if values else []


def values_note(labels: Iterable[str | int] | None) -> dict[str, list[int]]:
    """What an entry says of its mask file for `LoadCased`: ``label_values``; nothing where values are the classes."""
    values = ordered_values(labels or ())
    return {} if _are_classes(values) else {"label_values": values}


def to_classes(mask: np.ndarray, values: Sequence[int] | None, *, path: str | Path = "the mask") -> np.ndarray:
    """Classes of a mask of whole numbers; the mask itself where `values` are classes already, or None.

    Raises:
        ValueError: The mask holds another value.
    """
    if values is None or _are_classes(values):
        return mask
    known = np.asarray(values)
    place = np.searchsorted(known, mask).clip(max=len(known) - 1)
    if (wrong := known[place] != mask).any():
        found = np.unique(mask[wrong])[:5].tolist()
        raise ValueError(
            f"{path} holds the values {found}, expected only {list(values)}: name them under 'labels' of the data "
            "list, or map them in the mask"
        )
    return place.astype(np.int32)


def to_values(classes: np.ndarray, values: Sequence[int]) -> np.ndarray:
    """Label values of a mask of classes, the inverse of `to_classes`; of one foreground joined of several the first."""
    if _are_classes(values):
        return classes
    return np.asarray(values, dtype=np.min_scalar_type(max(values)))[classes]


def read_classes(entry: Mapping[str, Any]) -> np.ndarray:
    """Classes of the mask file of `entry`, as its ``label_values`` say."""
    mask = read_mask(open_volume(entry["label"]), path=entry["label"])
    return to_classes(mask, entry.get("label_values"), path=entry["label"])


def _are_classes(values: Sequence[int]) -> bool:
    return list(values) == list(range(len(values)))
