"""Which lesions a segmenter has found: connected parts of prediction and truth, matched one to one."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

IOU = 0.3  # HECKTOR 2025, https://hecktor25.grand-challenge.org/tasks-and-evaluation


class LesionCounts(NamedTuple):
    """Lesions of the truth that were found and missed, and predicted parts that are none of them."""

    found: int
    missed: int
    invented: int


def count_lesions(prediction: np.ndarray, truth: np.ndarray, *, iou: float = IOU) -> LesionCounts:
    """Match the parts of two masks (H, W, D), those of the largest overlap first.

    A part is connected by faces, edges or corners. A pair matches where its intersection over union reaches `iou`; each
    part matches once. So does panoptica with `NaiveThresholdMatching`, by which HECKTOR 2025 counts lymph nodes.

    Args:
        prediction: Boolean.
        truth: The same, on the same grid.
        iou: Above 0; from 0.5 on no other match is possible anyway.
    """
    whole = np.ones((3, 3, 3))
    (predicted, n_predicted), (real, n_real) = (ndimage.label(mask, structure=whole) for mask in (prediction, truth))
    if not n_predicted or not n_real:
        return LesionCounts(0, n_real, n_predicted)
    both = np.bincount((predicted * (n_real + 1) + real).ravel(), minlength=(n_predicted + 1) * (n_real + 1))
    both = both.reshape(n_predicted + 1, n_real + 1)  # voxels by parts; 0 is outside
    overlap = both[1:, 1:]
    union = both[1:].sum(axis=1)[:, None] + both[:, 1:].sum(axis=0)[None] - overlap
    ratio = overlap / union
    found = 0
    while (best := np.unravel_index(ratio.argmax(), ratio.shape)) and ratio[best] >= iou:
        found += 1
        ratio[best[0]], ratio[:, best[1]] = -1, -1
    return LesionCounts(found, n_real - found, n_predicted - found)
