"""Volumes from which neither name, size, header nor affine tells whether they are real."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import nibabel as nib
import numpy as np
from monai.utils import convert_to_numpy

Layout = Literal["scroll", "thirds"]


def neutral_nifti(volume: np.ndarray, *, spacing: Sequence[float]) -> bytes:
    """Uncompressed NIfTI-1 file of (H, W, D): two volumes of one shape and type differ in their voxels alone.

    Args:
        volume: In RAS.
        spacing: mm, written for every volume of a study; the origin is the middle.
    """
    affine = np.diag([*map(float, spacing), 1.0])
    affine[:3, 3] = -affine[:3, :3] @ (np.array(volume.shape) - 1) / 2
    image = nib.Nifti1Image(np.ascontiguousarray(volume), affine)
    image.header.set_xyzt_units("mm")
    return image.to_bytes()


def blinded_pair(
    pair: dict[str, Any], *, spacing: Sequence[float], layout: Layout, rng: np.random.Generator
) -> tuple[bytes, bytes]:
    """Image (int16 HU) and mask (uint8) of a preprocessed pair as neutral NIfTI files.

    Args:
        pair: ``image`` and ``label`` (1, H, W, D), in HU and label values.
        spacing: See `neutral_nifti`.
        layout: ``scroll`` keeps the volume whole; ``thirds`` keeps one third along z, as the thesis showed (4.7).
        rng: Chooses the third.

    Raises:
        ValueError: Shapes differ, the volume is too thin for thirds, or the layout is unknown.
    """
    image, mask = (np.rint(convert_to_numpy(pair[key])[0]) for key in ("image", "label"))
    if image.shape != mask.shape:
        raise ValueError(f"image {image.shape} and mask {mask.shape} of a pair differ in shape")
    if layout not in get_args(Layout):
        raise ValueError(f"layout is '{layout}', expected scroll or thirds")
    part = third(mask, rng) if layout == "thirds" else slice(None)
    limits = np.iinfo(np.int16)
    image = np.clip(image[..., part], limits.min, limits.max).astype(np.int16)
    return neutral_nifti(image, spacing=spacing), neutral_nifti(mask[..., part].astype(np.uint8), spacing=spacing)


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
