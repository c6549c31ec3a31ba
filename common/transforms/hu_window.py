"""A Hounsfield-unit window, mapped to [-1, 1] and back."""

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data import get_track_meta
from monai.transforms import InvertibleTransform, MapTransform
from monai.utils import convert_to_dst_type, convert_to_tensor


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
        self.clip = clip

    def __call__(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """HU to [-1, 1]."""
        return self._scaled(img, self.low, self.high, -1, 1)

    def inverse(self, img: NdarrayOrTensor) -> NdarrayOrTensor:
        """[-1, 1] to HU."""
        return self._scaled(img, -1, 1, self.low, self.high)

    def _scaled(
        self, img: NdarrayOrTensor, low: float, high: float, new_low: float, new_high: float
    ) -> NdarrayOrTensor:
        """As MONAI's `ScaleIntensityRange`, to the bit, in one new volume where that makes five."""
        volume = convert_to_tensor(img, track_meta=get_track_meta())
        scaled = convert_to_tensor(volume, track_meta=False).sub(low).div_(high - low)
        scaled.mul_(new_high - new_low).add_(new_low)
        if self.clip:
            scaled.clamp_(new_low, new_high)
        return convert_to_dst_type(scaled, volume, dtype=torch.float32)[0]


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
