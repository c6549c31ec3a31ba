"""The voxel spacing of a volume as an item of its own."""

from collections.abc import Hashable, Mapping
from typing import Any

from monai.data import affine_to_spacing
from monai.transforms import Transform


class KeepSpacingd(Transform):
    """Adds ``spacing`` (3,), mm, of the volume at `key`; caches keep it, while they drop the affine."""

    def __init__(self, key: str = "pair", *, output_key: str = "spacing") -> None:
        self.key = key
        self.output_key = output_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the spacing."""
        return {**data, self.output_key: affine_to_spacing(data[self.key].affine).float()}
