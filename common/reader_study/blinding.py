"""Volumes from which neither name, size, header, affine nor a trace of their making tells whether they are real.

Real images are cut at the ends of the HU window and generated ones only come near them; published sets are rounded to
steps. So what lies at either end is made equal on both sides, and a noise below a scanner's hides the steps.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from monai.utils import convert_to_numpy

from ..web.neutral_nifti import neutral_nifti

Layout = Literal["scroll", "thirds"]
_END = 1 / 16  # of the HU window, at each end: generators seldom come nearer
_AIR = -900.0  # HU; what is lower is air, on one side with a scanner's noise, on the other without
_NOISE = 6.0  # σ in HU: steps up to 8 HU leave less than 1/10,000 of their comb in the histogram


def without_traces(image: np.ndarray, *, hu_window: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Image (H, W, D) in whole HU (int16), inside the window: its ends and its air cut alike, and 6 HU of noise.

    Args:
        image: In HU.
        hu_window: Of the generator's training, which both sides went through.
        rng: Of the noise.
    """
    low, high = map(float, hu_window)
    end = (high - low) * _END
    floor = max(low + end, min(_AIR, high - 2 * end))  # a window above all air has its own floor
    noisy = np.clip(image, floor, high - end) + rng.normal(0, _NOISE, image.shape)
    return np.clip(np.rint(noisy), np.ceil(low), np.floor(high)).astype(np.int16)


def blinded_pair(
    pair: dict[str, Any],
    *,
    spacing: Sequence[float],
    hu_window: Sequence[float],
    layout: Layout,
    rng: np.random.Generator,
) -> tuple[bytes, bytes]:
    """Image (int16 HU) and mask (uint8) of a preprocessed pair as neutral NIfTI files.

    Args:
        pair: ``image`` and ``label`` (1, H, W, D), in HU and label values.
        spacing: See `neutral_nifti`.
        hu_window: See `without_traces`.
        layout: ``scroll`` keeps the volume whole; ``thirds`` keeps one third along z, as the thesis showed (4.7).
        rng: Chooses the third, and draws the noise.

    Raises:
        ValueError: Shapes differ, the volume is too thin for thirds, or the layout is unknown.
    """
    image, mask = (convert_to_numpy(pair[key])[0] for key in ("image", "label"))
    if image.shape != mask.shape:
        raise ValueError(f"image {image.shape} and mask {mask.shape} of a pair differ in shape")
    if layout not in get_args(Layout):
        raise ValueError(f"layout is '{layout}', expected scroll or thirds")
    part = third(mask, rng) if layout == "thirds" else slice(None)
    image, mask = without_traces(image[..., part], hu_window=hu_window, rng=rng), np.rint(mask[..., part])
    return neutral_nifti(image, spacing=spacing), neutral_nifti(mask.astype(np.uint8), spacing=spacing)


def third(mask: np.ndarray, rng: np.random.Generator) -> slice:
    """Slices of one third along z, drawn from those that hold foreground; from all where there is none.

    Raises:
        ValueError: Fewer than three slices.
    """
    depth = mask.shape[-1] // 3
    if depth < 1:
        raise ValueError(f"a volume of {mask.shape[-1]} slices has no thirds: set layout to scroll")
    parts = [slice(start, start + depth) for start in range(0, 3 * depth, depth)]
    filled = [part for part in parts if mask[..., part].any()]
    return (filled or parts)[rng.integers(len(filled or parts))]
