"""Dice between the mask of a pair and a predicted one, on the grid of the file."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.metrics import DiceMetric
from nibabel.spatialimages import SpatialImage

from ..data.volume_file import open_volume, read_mask


def pair_dice(entry: Mapping[str, Any], prediction: str | Path, *, labels: Sequence[int] = ()) -> dict[str, Any]:
    """Dice of one pair's mask with `prediction`, for ``foreground`` and each ``label_<value>``.

    Returns:
        ``case_id`` and for each region ``dice`` (NaN where the mask is empty), ``mask_empty``, ``prediction_empty``.

    Raises:
        ValueError: The two files differ in shape or affine.
    """
    files = open_volume(entry["label"]), open_volume(prediction)
    if files[0].shape != files[1].shape or not np.allclose(files[0].affine, files[1].affine, atol=1e-3):
        found, expected = _geometry(files[1]), _geometry(files[0])
        raise ValueError(
            f"{prediction} has the geometry {found}, but the mask {entry['label']} {expected}: "
            "the segmenter's postprocessing must bring its prediction back to the image's grid (Invertd, or SaveImaged "
            "with resample: true)"
        )
    mask, predicted = read_mask(files[0], path=entry["label"]), read_mask(files[1], path=prediction)
    regions = {"foreground": lambda values: values > 0}
    regions |= {f"label_{value}": partial(np.equal, value) for value in labels}
    return {"case_id": entry["case_id"]} | {
        name: _dice(region(mask), region(predicted)) for name, region in regions.items()
    }


def _dice(mask: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    y, y_pred = (torch.as_tensor(values)[None, None] for values in (mask, predicted))
    dice = float(torch.as_tensor(DiceMetric(ignore_empty=True)(y_pred=y_pred, y=y)))
    return {"dice": dice, "mask_empty": not mask.any(), "prediction_empty": not predicted.any()}


def _geometry(volume: SpatialImage) -> str:
    return f"{volume.shape} with affine {np.round(volume.affine[:3], 3).tolist()}"
