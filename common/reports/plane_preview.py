"""A tiled plane as a picture."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..files import replacing


def plane_png(plane: Any, path: str | os.PathLike, *, window: tuple[float, float] = (-1, 1)) -> Path:
    """8-bit greyscale PNG of `plane`, a pixel each voxel, as the thesis saves its planes (3.4.2).

    Args:
        plane: (R, S) or (C, R, S), channels below each other.
        path: Of the PNG.
        window: Values shown as black and white; what lies outside is clipped.

    Raises:
        ValueError: not one plane, values that are not finite, or a window without width.
    """
    values = np.asarray(plane.detach().cpu() if hasattr(plane, "detach") else plane, dtype=np.float32)
    low, high = window
    if values.ndim not in (2, 3) or not values.size or not np.isfinite(values).all() or low >= high:
        raise ValueError(
            f"plane preview: expected finite values (R, S) or (C, R, S) and a window (low, high), got shape "
            f"{values.shape} with {np.count_nonzero(~np.isfinite(values))} not finite and {tuple(window)}"
        )
    grey = ((values.reshape(-1, values.shape[-1]) - low) / (high - low)).clip(0, 1)
    with replacing(path) as temporary:
        Image.fromarray((255 * grey).round().astype(np.uint8)).save(temporary, format="PNG")
    return Path(path)
