"""Random affine and elastic deformation of an image and its mask (thesis 3.5), from MONAI's transforms."""

import math
from collections.abc import Sequence
from typing import Any

from monai.transforms import Compose, EnsureTyped, RandAffined, RandomizableTransform, ShiftIntensityd

from .elastic import RandElasticd

_KEYS = ["image", "label"]


def random_affine(
    *, translation: Sequence[float], rotation: Sequence[float], scaling: Sequence[float], air: float = -1
) -> Compose:
    """Random translation, rotation and scaling of ``image`` and ``label`` (1, H, W, D) alike (thesis table 3.7).

    The image is interpolated linearly, the mask takes the nearest label. What comes from outside is `air` in the image
    and background in the mask: a repeated border would draw shoulders and lesions that no scan shows. The voxels move
    on their grid, so the affine does not follow them: the results are plain tensors.

    Args:
        translation: Largest shift along each axis, voxels; drawn from ±.
        rotation: Largest turn about each axis, degrees; drawn from ±.
        scaling: Largest change of each axis; 0.15 draws from 0.85 to 1.15. As in MONAI, more than 1 shrinks what is
            shown.
        air: Value of the image where there is nothing.
    """
    return _filled_with_air(RandAffined(prob=1, **_affine(translation, rotation, scaling)), air)


def random_elastic(
    *,
    sigma: Sequence[float],
    magnitude: Sequence[float],
    translation: Sequence[float],
    rotation: Sequence[float],
    scaling: Sequence[float],
    air: float = -1,
) -> Compose:
    """Random smooth deformation with an affine part of its own (thesis table 3.8); otherwise as `random_affine`.

    Args:
        sigma: Range of the Gaussian that smooths the random offsets, voxels.
        magnitude: Range of the factor that they are multiplied by after it; σ 5 to 8 leaves some 1 % of it.
        translation, rotation, scaling, air: See `random_affine`.
    """
    affine = _affine(translation, rotation, scaling)
    elastic = RandElasticd(
        prob=1, sigma_range=(sigma[0], sigma[1]), magnitude_range=(magnitude[0], magnitude[1]), **affine
    )
    return _filled_with_air(elastic, air)


def _affine(translation: Sequence[float], rotation: Sequence[float], scaling: Sequence[float]) -> dict[str, Any]:
    return {
        "keys": _KEYS,
        "translate_range": tuple(translation),
        "rotate_range": tuple(math.radians(angle) for angle in rotation),
        "scale_range": tuple(scaling),
        "mode": ("bilinear", "nearest"),
        "padding_mode": "zeros",
    }


def _filled_with_air(deform: RandomizableTransform, air: float) -> Compose:
    """MONAI pads with zeros or the border: air is made zero meanwhile."""
    shifts = [ShiftIntensityd("image", offset=offset) for offset in (-air, air)]
    return Compose([shifts[0], deform, shifts[1], EnsureTyped(_KEYS, track_meta=False)])
