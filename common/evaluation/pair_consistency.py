"""Does a segmenter trained on real data find the lesion where the generated mask says it is?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..metrics.resampling import case_interval
from ..metrics.segmentation import MeanRow, mean_row
from ..progress import Progress
from ..runs.bundle_predictions import predict_masks
from ..runs.pair_dice import pair_dice

Entries = Sequence[Mapping[str, Any]]


class DiceRow(MeanRow):
    """Mean Dice of pairs, and of which; see `dice_row`."""

    empty_masks: int
    found_in_empty: int
    empty_predictions: int
    cases: dict[str, float | None]


def pair_consistency(
    segmenter: str | Path,
    generated: Entries,
    *,
    work_dir: str | Path,
    real: Entries | None = None,
    labels: Sequence[int] = (),
    segmenter_overrides: Mapping[str, Any] | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Dice between each pair's mask and the one that `segmenter` predicts on its image.

    Returns:
        For ``foreground`` (all labels joined) and each ``label_<value>`` the rows ``generated``, ``real`` and ``gap``
        (real minus generated mean, with a 95 % interval). A row is that of `dice_row`. The real pairs are the
        reference: a perfect generator scores like them.

    Args:
        segmenter: Folder of a MONAI bundle with an inference config, or the config itself; see `predict_masks`.
        generated: Entries with ``case_id``, ``image`` and ``label``, absolute paths.
        work_dir: Folder for the predictions.
        real: Entries of real pairs that neither the segmenter nor the generator has seen.
        labels: Values that mask and prediction share, each to be scored by itself too.
        segmenter_overrides: See `predict_masks`.
        replicates: Of the bootstrap.
        seed: Of it.

    Raises:
        FileNotFoundError, ValueError: See `predict_masks` and `pair_dice`.
    """
    sides = {"generated": generated} | ({"real": real} if real else {})
    scores: dict[str, list[dict[str, Any]]] = {}
    for side, entries in sides.items():
        predictions = predict_masks(segmenter, entries, work_dir=Path(work_dir) / side, overrides=segmenter_overrides)
        pairs = Progress(entries, f"dice of {side} pairs")
        scores[side] = [pair_dice(entry, predictions[entry["case_id"]], labels=labels) for entry in pairs]
    result: dict[str, dict[str, Any]] = {}
    for region in ("foreground", *(f"label_{value}" for value in labels)):
        cases = {side: [{"case_id": case["case_id"], **case[region]} for case in scores[side]] for side in sides}
        result[region] = {side: dice_row(cases[side], replicates=replicates, seed=seed) for side in sides}
        if "real" in sides:
            result[region]["gap"] = _gap(cases["real"], cases["generated"], replicates=replicates, seed=seed)
    return result


def dice_row(cases: Sequence[Mapping[str, Any]], *, replicates: int = 1000, seed: int = 0) -> DiceRow:
    """Mean Dice of `cases` (``case_id, dice, mask_empty, prediction_empty``) with its bootstrap interval.

    Returns:
        ``value`` (None where no mask has a voxel), ``interval`` (95 %; None for fewer than two), ``sd``, ``median``,
        ``n``; ``empty_masks``, left out of the mean, and ``found_in_empty``, those of them in which the segmenter found
        something; ``empty_predictions``, which count as Dice 0; ``cases``: Dice by case id, None for an empty mask.
    """
    return {
        **mean_row([case["dice"] for case in cases], replicates=replicates, seed=seed),
        "empty_masks": sum(case["mask_empty"] for case in cases),
        "found_in_empty": sum(case["mask_empty"] and not case["prediction_empty"] for case in cases),
        "empty_predictions": sum(case["prediction_empty"] and not case["mask_empty"] for case in cases),
        "cases": {case["case_id"]: None if np.isnan(case["dice"]) else case["dice"] for case in cases},
    }


def _gap(real: Sequence[Mapping], generated: Sequence[Mapping], *, replicates: int, seed: int) -> dict[str, Any]:
    dice = _known(real), _known(generated)
    value = float(dice[0].mean() - dice[1].mean()) if min(map(len, dice)) else None
    interval = case_interval(*dice, statistic=_difference, replicates=replicates, seed=seed, paired=False)
    return {"value": value, "interval": interval}


def _difference(real: np.ndarray, generated: np.ndarray, axis: int = -1) -> np.ndarray:
    return real.mean(axis=axis) - generated.mean(axis=axis)


def _known(cases: Sequence[Mapping[str, Any]]) -> np.ndarray:
    dice = np.array([case["dice"] for case in cases], dtype=float)
    return dice[~np.isnan(dice)]
