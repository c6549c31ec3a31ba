"""Label values of a mask, mapped to [-1, 1] and back."""

from collections.abc import Hashable, Mapping
from typing import Any

from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import InvertibleTransform, MapTransform, ScaleIntensityRange


class MaskRange(InvertibleTransform):
    """Maps labels 0 … `labels` - 1 linearly to [-1, 1], or foreground against background when `binary`.

    Three labels: 0 → -1, 1 → 0, 2 → 1 (thesis 4.6.1); `binary`: 0 → -1, else 1 (4.6.6). `low` and `high` replace the
    range that is mapped: -1024 and 600 map the mask as the image (3.4.3), 0 and 2 with `binary` are 4.6.6's second run.
    Any shape, float32 out; the inverse gives floats in label units, held between 0 and the last label, and needs no
    transform trace.

    Raises:
        ValueError: fewer than two labels, an empty range, or a mask with values outside 0 … `labels` - 1.
    """

    def __init__(
        self, labels: int = 3, *, binary: bool = False, low: float | None = None, high: float | None = None
    ) -> None:
        if labels < 2:
            raise ValueError(f"mask range: labels counts the background too, so it is at least 2, got {labels}")
        self.labels, self.binary = labels, binary
        self.top = 1 if binary else labels - 1
        self.low = 0.0 if low is None else float(low)  # an integer would let uint8 tensors overflow
        self.high = float(self.top if high is None else high)
        if not self.low < self.high:
            raise ValueError(f"mask range: low must be below high, got low={self.low}, high={self.high}")
        self._forward = ScaleIntensityRange(a_min=self.low, a_max=self.high, b_min=-1, b_max=1)
        self._backward = ScaleIntensityRange(a_min=-1, a_max=1, b_min=self.low, b_max=self.high)

    def __call__(self, mask: NdarrayOrTensor) -> NdarrayOrTensor:
        """Labels to [-1, 1]."""
        lowest, highest = float(mask.min()), float(mask.max())
        if lowest < 0 or highest > self.labels - 1:
            raise ValueError(
                f"mask holds values {lowest:g} to {highest:g}, expected 0 to {self.labels - 1}; set `labels`, "
                "or map the values first (MapLabelValued)"
            )
        return self._forward((mask > 0) * 1.0 if self.binary else mask)

    def inverse(self, mask: NdarrayOrTensor) -> NdarrayOrTensor:
        """[-1, 1] to float label units."""
        return self._backward(mask).clip(0, self.top)


class MaskRanged(MapTransform, InvertibleTransform):
    """Dictionary version of `MaskRange`; its inverse gives float label units, which `MaskCleanupd` takes."""

    def __init__(
        self,
        keys: KeysCollection,
        labels: int = 3,
        *,
        binary: bool = False,
        low: float | None = None,
        high: float | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.mask_range = MaskRange(labels, binary=binary, low=low, high=high)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Labels to [-1, 1] for each key."""
        return {**data, **{key: self.mask_range(data[key]) for key in self.key_iterator(data)}}

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """[-1, 1] to float label units for each key."""
        return {**data, **{key: self.mask_range.inverse(data[key]) for key in self.key_iterator(data)}}
