"""Which masks have lost all their voxels on the way to the grid that a network sees."""

from collections.abc import Hashable, Mapping
from typing import Any

from monai.transforms import Transform


class NameEmptyMaskd(Transform):
    """Adds ``empty_mask``: the case's id where the mask at `key` has no foreground, else an empty text.

    The check before a training refuses real cases whose file has an empty mask, so that a mask that is empty behind
    resampling, cropping and resizing has vanished there. Generated cases may be empty from the start and are not named.
    The name stands in the cache beside the volume, so that no case is read for it twice.
    """

    def __init__(self, key: str = "label", *, output_key: str = "empty_mask") -> None:
        self.key = key
        self.output_key = output_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add the name."""
        empty = self.key in data and data.get("source") != "generated" and not (data[self.key] > 0).any()
        return {**data, self.output_key: str(data.get("case_id", "a case without id")) if empty else ""}
