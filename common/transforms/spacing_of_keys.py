"""Resampling that leaves the other items of a case alone, axis by axis."""

from collections.abc import Hashable, Mapping
from typing import Any

from monai.transforms import Spacingd

from .separable_resample import SeparableResample


class SpacingOfKeysd(Spacingd):
    """MONAI's `Spacingd` for its keys and nothing else, by `SeparableResample`.

    MONAI 1.6.1's also puts the new affine into every item whose name begins with a key and an underscore. Of those that
    MONAI Label 0.8.5 adds, ``image_path`` is a text, which is an error, and ``image_meta_dict`` holds the affine that
    the mask is written with, which must stay the image's own.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.spacing_transform.sp_resample = SeparableResample(lazy=self.lazy)

    def __call__(self, data: Mapping[Hashable, Any], lazy: bool | None = None) -> dict[Hashable, Any]:
        """Resample the keys."""
        own = {key: data[key] for key in self.key_iterator(data)}
        return {**data, **super().__call__(own, lazy)}
