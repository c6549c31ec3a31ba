"""How well predicted masks agree with the ground truth: overlap, surfaces and lesions, by case and over cases."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
import torch
from monai.metrics import compute_hausdorff_distance, compute_surface_dice
from numpy.typing import ArrayLike
from scipy.ndimage import find_objects

from .lesions import IOU, count_lesions
from .resampling import case_interval

Row = Mapping[str, Any]
TOLERANCE = 2.0  # mm; the ABCs challenge for targets of radiotherapy (MICCAI 2020), https://abcs.mgh.harvard.edu
_LESIONS = ("lesions_found", "lesions_missed", "lesions_invented")
_SUMMARISED = ("dice", "hd95_mm", "nsd", "truth_voxels", "prediction_voxels", "intersection_voxels", *_LESIONS)


class MeanRow(TypedDict):
    """A mean over cases with its 95 % interval; see `mean_row`."""

    value: float | None
    interval: list[float] | None
    sd: float | None
    median: float | None
    n: int


def segmentation_scores(
    prediction: np.ndarray,
    truth: np.ndarray,
    *,
    spacing: Sequence[float],
    labels: Sequence[int] = (),
    tolerance: float = TOLERANCE,
    iou: float = IOU,
) -> dict[str, float]:
    """Scores of one case as ``<region>/<score>``, of the regions ``foreground`` (all labels joined), ``label_<value>``.

    The scores are ``dice``, ``hd95_mm`` (the larger of both directions' 95th percentiles of distances between the
    surfaces), ``nsd`` (normalised surface Dice: the share of both surfaces that lies within `tolerance` of the other
    one), ``truth_voxels``, ``prediction_voxels``, ``intersection_voxels``, ``truth_ml``, ``prediction_ml``, the numbers
    ``lesions_found``, ``lesions_missed``, ``lesions_invented`` (see `count_lesions`), and the flags ``truth_empty``,
    ``prediction_empty`` (0 or 1).

    A region that the truth lacks has no Dice, no NSD and no HD95: all are NaN, whether the prediction is empty too (not
    1) or not (not 0; its false positives weigh in the aggregated Dice, and in the lesions). A region that only the
    prediction lacks has Dice and NSD 0, and HD95 NaN. `summary` counts each of these.

    Args:
        prediction: Whole numbers (H, W, D), 0 is background.
        truth: The same, on the same grid.
        spacing: Of the voxels, in mm.
        labels: Values that are scored by themselves too; none for binary masks.
        tolerance: Of the NSD, in mm.
        iou: That a lesion is found at.

    Raises:
        ValueError: not volumes of one shape, values that are no labels, or a spacing that is not three lengths.
    """
    prediction, truth = _labels(prediction, "prediction"), _labels(truth, "ground truth")
    if prediction.shape != truth.shape:
        raise ValueError(
            f"prediction {prediction.shape} and ground truth {truth.shape} differ in shape: resample first"
        )
    if len(spacing) != 3 or min(spacing) <= 0:
        raise ValueError(f"expected a spacing of three lengths in mm, got {tuple(spacing)}")
    regions = {"foreground": (prediction > 0, truth > 0)}
    regions |= {f"label_{value}": (prediction == value, truth == value) for value in labels}
    scores = {name: _region_scores(*masks, spacing, tolerance, iou) for name, masks in regions.items()}
    return {f"{region}/{name}": value for region, row in scores.items() for name, value in row.items()}


def summary(rows: Sequence[Row], *, replicates: int = 2000, seed: int = 0) -> dict[str, dict[str, Any]]:
    """Scores over all cases, by region.

    Returns:
        For each region ``dice``: mean over cases (the thesis's test DSC, section 3.10) as ``value``, with ``interval``,
        ``sd``, ``median`` and ``n``, without the ``empty_truths``; ``aggregated_dice``: 2·Σ|A∩B| / Σ(|A| + |B|) over
        the voxels of all cases, with ``interval`` (HECKTOR 2022, which ranks by its mean over labels 1 and 2);
        ``hd95_mm`` as ``dice``, without the ``empty_predictions`` either, so that it flatters a segmenter that
        misses whole lesions; ``nsd`` as ``dice``; ``lesion_f1`` (2·TP / (2·TP + FP + FN) over the lesions of all cases,
        HECKTOR 2025), ``lesion_recall`` and ``lesion_precision`` with ``interval``, and the numbers ``lesions_found``,
        ``lesions_missed``, ``lesions_invented`` behind them; the counts ``cases``, ``empty_truths``,
        ``found_in_empty`` (those of them in which something was predicted) and ``empty_predictions`` (nothing
        predicted, although the truth is not empty).
        A value without cases is None, as is an interval of fewer than two.

    Args:
        rows: Of `segmentation_scores`; other keys are ignored.
        replicates: Of the bootstrap over cases (percentile, 95 %).
        seed: Of it.

    Raises:
        ValueError: no rows, or rows of other regions than the first.

    Andrearczyk et al. 2023, Overview of the HECKTOR challenge at MICCAI 2022, doi 10.1007/978-3-031-27420-6_1.
    """
    regions = {tuple(sorted(key.split("/")[0] for key in row if key.endswith("/dice"))) for row in rows}
    if len(regions) != 1 or () in regions:
        raise ValueError(f"expected rows with a Dice of the same regions, found {sorted(regions) or 'no rows'}")
    columns = {
        region: {name: np.array([row[f"{region}/{name}"] for row in rows], dtype=float) for name in _SUMMARISED}
        for region in regions.pop()
    }
    return {region: _region_summary(table, replicates, seed) for region, table in columns.items()}


def mean_row(values: ArrayLike, *, replicates: int = 2000, seed: int = 0) -> MeanRow:
    """Mean of the values (N,) that are not NaN, and of how many; see `summary`."""
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    return {
        "value": float(known.mean()) if known.size else None,
        "interval": case_interval(known, statistic=np.mean, replicates=replicates, seed=seed),
        "sd": float(known.std(ddof=1)) if known.size > 1 else None,
        "median": float(np.median(known)) if known.size else None,
        "n": int(known.size),
    }


def _labels(values: np.ndarray, what: str) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 3:
        raise ValueError(f"{what}: expected one volume (H, W, D), got shape {array.shape}")
    if array.dtype.kind in "bu":
        return array
    whole = np.rint(array)
    wrong = ~(np.abs(array - whole) < 1e-3) | (whole < 0)
    if wrong.any():
        found = np.unique(array[wrong])[:3].tolist()
        raise ValueError(f"{what}: expected label values 0, 1, 2, …, found {found}: threshold probabilities first")
    return whole


def _region_scores(
    prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float], tolerance: float, iou: float
) -> dict[str, float]:
    a, b, both = (int(np.count_nonzero(mask)) for mask in (prediction, truth, prediction & truth))
    ml = float(np.prod(spacing)) / 1000
    return {
        "dice": 2 * both / (a + b) if b else float("nan"),
        **_surface_scores(prediction, truth, spacing, tolerance),
        "truth_voxels": b,
        "prediction_voxels": a,
        "intersection_voxels": both,
        "truth_ml": b * ml,
        "prediction_ml": a * ml,
        "truth_empty": int(not b),
        "prediction_empty": int(not a),
        **dict(zip(_LESIONS, count_lesions(prediction, truth, iou=iou), strict=True)),
    }


def _surface_scores(
    prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float], tolerance: float
) -> dict[str, float]:
    if not prediction.any() or not truth.any():
        return {"hd95_mm": float("nan"), "nsd": 0.0 if truth.any() else float("nan")}
    box = find_objects((prediction | truth).astype(np.uint8))[0]  # distances outside it are not asked for
    y_pred, y = (torch.from_numpy(mask[box].copy())[None, None] for mask in (prediction, truth))
    sizes = [float(mm) for mm in spacing]
    distance = compute_hausdorff_distance(y_pred, y, include_background=True, percentile=95, spacing=sizes)
    share = compute_surface_dice(y_pred, y, [float(tolerance)], include_background=True, spacing=sizes)
    return {"hd95_mm": float(distance), "nsd": float(share)}


def _region_summary(table: Mapping[str, np.ndarray], replicates: int, seed: int) -> dict[str, Any]:
    truth, prediction = table["truth_voxels"], table["prediction_voxels"]
    used = truth + prediction > 0  # cases without a voxel on either side add nothing; a draw of such alone would be 0/0
    both, sizes = table["intersection_voxels"][used], (truth + prediction)[used]
    return {
        "cases": len(truth),
        "dice": mean_row(table["dice"], replicates=replicates, seed=seed),
        "aggregated_dice": {
            "value": float(_ratio(both, sizes)) if used.any() else None,
            "interval": case_interval(both, sizes, statistic=_ratio, replicates=replicates, seed=seed),
        },
        "hd95_mm": mean_row(table["hd95_mm"], replicates=replicates, seed=seed),
        "nsd": mean_row(table["nsd"], replicates=replicates, seed=seed),
        **_lesion_summary(*(table[name] for name in _LESIONS), replicates=replicates, seed=seed),
        "empty_truths": int((truth == 0).sum()),
        "found_in_empty": int(((truth == 0) & (prediction > 0)).sum()),
        "empty_predictions": int(((truth > 0) & (prediction == 0)).sum()),
    }


def _lesion_summary(
    found: np.ndarray, missed: np.ndarray, invented: np.ndarray, *, replicates: int, seed: int
) -> dict[str, Any]:
    """F1, recall and precision over the lesions of all cases; each without the cases that add nothing to it."""
    rows: dict[str, Any] = {}
    for name, others in {"f1": missed + invented, "recall": 2 * missed, "precision": 2 * invented}.items():
        sizes = 2 * found + others  # twice the denominator of recall and precision
        used = sizes > 0
        both = found[used], sizes[used]
        rows[f"lesion_{name}"] = {
            "value": float(_ratio(*both)) if used.any() else None,
            "interval": case_interval(*both, statistic=_ratio, replicates=replicates, seed=seed),
        }
    counts = zip(_LESIONS, (found, missed, invented), strict=True)
    return {**rows, **{name: int(values.sum()) for name, values in counts}}


def _ratio(both: np.ndarray, sizes: np.ndarray, axis: int = -1) -> np.ndarray:
    return 2 * both.sum(axis=axis) / sizes.sum(axis=axis)
