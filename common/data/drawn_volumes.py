"""The form in which generated volumes are handed on: whole HU, label values, an affine."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from .label_map import ordered_values, to_values


def drawn_volumes(output: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, np.ndarray]:
    """``image`` (int16 HU) and, where there is one, ``label`` (uint8, if the values fit), both (H, W, D).

    Args:
        output: Of a generation: image (1, H, W, D) in HU, and label (1, H, W, D), classes 0 … n - 1, or None.
        labels: Value to name; class k becomes the k-th value.
    """
    volumes = {"image": _plain(output["image"].round(), np.int16)}
    if output.get("label") is not None:
        volumes["label"] = to_values(_plain(output["label"], np.uint8), ordered_values(labels))
    return volumes


def centred_affine(shape: Sequence[int], spacing: Sequence[float]) -> np.ndarray:
    """RAS affine (4, 4), mm, with the origin in the middle of the volume."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * s for n, s in zip(shape, spacing, strict=True)]
    return affine


def _plain(volume: Tensor, dtype: type) -> np.ndarray:
    """Voxels (H, W, D) of a volume (1, H, W, D)."""
    return volume.detach().cpu().numpy()[0].astype(dtype)
