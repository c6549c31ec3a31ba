"""What a generator was trained on, as its model file keeps it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .datalist import generator_cases, source_case
from .sized_dataset import SizedDataset


def training_record(
    *,
    bundle: Mapping[str, str],
    cases: Sequence[Mapping[str, Any]],
    list_hash: str,
    dataset: SizedDataset,
    seed: int,
    empty_masks: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Bundle, case ids, hash of the data list, seed, and the spacing of the preprocessed volumes.

    Where cases were generated, also ``generator_case_ids``: what their generators were trained on.

    Args:
        bundle: Name and version.
        cases: The entries trained on; copies made by augmentation stand for the real case they were made from.
        list_hash: Of the data list.
        dataset: The preprocessed pairs; see `typical_spacing`.
        seed: Of the training.
        empty_masks: Cases whose mask has vanished on the training's grid, see `EmptyMasks`; kept as it is, not copied.
    """
    behind = generator_cases(cases)
    return {
        "bundle": dict(bundle),
        "case_ids": sorted({source_case(case) for case in cases}),
        **({"generator_case_ids": behind} if behind else {}),
        "datalist_sha256": list_hash,
        "seed": seed,
        "spacing": typical_spacing(dataset),
        **({} if empty_masks is None else {"empty_masks": empty_masks}),
    }


def typical_spacing(dataset: SizedDataset, *, key: str = "spacing", count: int = 16) -> list[float]:
    """Median voxel spacing, mm, of the first `count` cases: what a generated volume is said to have.

    Resizing gives every case a spacing of its own; the generator does not know whose it draws.
    """
    spacings = [np.asarray(dataset[i][key]) for i in range(min(count, len(dataset)))]
    return [round(float(value), 4) for value in np.median(spacings, axis=0)]
