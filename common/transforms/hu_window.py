"""A Hounsfield-unit window, mapped to [-1, 1] and back."""

from collections.abc import Hashable, Mapping
from typing import Any

from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import InvertibleTransform, MapTransform, ScaleIntensityRange


class HUWindow(InvertibleTransform):
    """Maps `[low, high]` HU linearly to [-1, 1] (thesis eq. 12); the inverse is 0.5·x + 0.5, then low…high (eq. 13–14).

    Any shape, float32 out. The inverse needs no transform trace, so it also takes generated volumes. Integer HU inside
    the window survive the round trip exactly once rounded. `clip` holds both directions inside their range.

    Raises:
        ValueError: `low` is not below `high`.
    """

    def __init__(self, low: float = -1024, high: float = 600, *, clip: bool = True) -> None:
        if not low < high:
            raise ValueError(f"HU window: low must be below high, got low={low}, high={high}")
        self.low, self.high = float(low), float(high)  # an integer would let int16 tensors overflow
        self._forward = ScaleIntensityRange(a_min=self.low, a_max=self.high, b_min=-1, b_max=1, clip=clip)
        self._backward = ScaleIntensityRange(a_min=-1, a_max=1, b_min=self.low, b_max=self.high, clip=clip)

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """HU to [-1, 1]."""
        return self._forward(img)

    def inverse(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """[-1, 1] to HU."""
        return self._backward(img)


class HUWindowd(MapTransform, InvertibleTransform):
    """Dictionary version of `HUWindow`."""

    def __init__(
        self,
        keys: KeysCollection,
        low: float = -1024,
        high: float = 600,
        *,
        clip: bool = True,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.window = HUWindow(low, high, clip=clip)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """HU to [-1, 1] for each key."""
        return {**data, **{key: self.window(data[key]) for key in self.key_iterator(data)}}

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """[-1, 1] to HU for each key."""
        return {**data, **{key: self.window.inverse(data[key]) for key in self.key_iterator(data)}}
