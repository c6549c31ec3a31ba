"""An image and its mask as one tensor, and apart again."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, get_args

import torch
from monai.transforms import InvertibleTransform, MapTransform, Transform

PairMode = Literal["z_concat", "interleave", "channels", "image_only"]


def pair_shape(size: Sequence[int], mode: PairMode = "z_concat") -> tuple[int, ...]:
    """Shape (C, H, W, D) of the pair made of images of spatial `size` (H, W, D)."""
    *plane, depth = size
    channels = 2 if mode == "channels" else 1
    return channels, *plane, depth * (2 if mode in ("z_concat", "interleave") else 1)


def pair_channels(mode: PairMode = "z_concat") -> list[str]:
    """What each channel of a pair holds, in words."""
    of_mode = {
        "z_concat": ["image, then mask, along the last axis"],
        "interleave": ["slices of image and mask in turn, along the last axis"],
        "channels": ["image", "mask"],
        "image_only": ["image"],
    }
    return of_mode[mode]


class Pair(Transform):
    """Joins an image and its mask, both (1, H, W, D) in [-1, 1]; `unpair` takes them apart exactly.

    `z_concat` (1, H, W, 2D): the image, then the mask along the last axis (thesis 3.4.3); `interleave` (1, H, W, 2D):
    image slice, mask slice, image slice, … (thesis 4.6.2); `channels` (2, H, W, D); `image_only` (1, H, W, D).
    A leading batch axis is allowed both ways. The pair carries the image's metadata.

    Raises:
        ValueError: unknown mode, image and mask of different shapes, or a pair that the mode cannot have made.
    """

    def __init__(self, mode: PairMode = "z_concat") -> None:
        if mode not in get_args(PairMode):
            raise ValueError(f"pairing: unknown mode {mode!r}, expected one of {', '.join(get_args(PairMode))}")
        self.mode = mode

    def __call__(self, image: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Image and mask to the pair."""
        if self.mode == "image_only":
            return image
        if mask is None or image.shape != mask.shape or image.shape[-4] != 1:
            found = "none" if mask is None else tuple(mask.shape)
            raise ValueError(
                f"pairing: expected image and mask of one shape (1, H, W, D), got {tuple(image.shape)} and {found}"
            )
        if self.mode == "interleave":
            return torch.stack([image, mask], dim=-1).flatten(-2)
        return torch.cat([image, mask], dim=-1 if self.mode == "z_concat" else -4)

    def unpair(self, pair: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The pair to image and mask; the mask is None for `image_only`."""
        channels = 2 if self.mode == "channels" else 1
        odd = self.mode in ("z_concat", "interleave") and pair.shape[-1] % 2
        if pair.ndim < 4 or pair.shape[-4] != channels or odd:
            expected = f"([B,] {channels}, H, W, D)" + (" with an even D" if odd else "")
            raise ValueError(f"un-pairing {self.mode}: expected {expected}, got {tuple(pair.shape)}")
        if self.mode == "image_only":
            return pair, None
        if self.mode == "interleave":
            return pair[..., 0::2], pair[..., 1::2]
        image, mask = pair.chunk(2, dim=-1 if self.mode == "z_concat" else -4)
        return image, mask


class Paird(MapTransform, InvertibleTransform):
    """Dictionary version of `Pair`: `image_key` and `label_key` to `output_key`; `drop` removes what was joined.

    The inverse needs no transform trace, so it also takes generated pairs.
    """

    def __init__(
        self,
        image_key: str = "image",
        label_key: str = "label",
        output_key: str = "pair",
        *,
        mode: PairMode = "z_concat",
        drop: bool = True,
    ) -> None:
        MapTransform.__init__(self, [image_key] if mode == "image_only" else [image_key, label_key])
        self.image_key, self.label_key, self.output_key = image_key, label_key, output_key
        self.pair, self.drop = Pair(mode), drop

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Image and label to the pair."""
        pair = self.pair(*(data[key] for key in self.key_iterator(data)))
        return {**self._without(data, self.image_key, self.label_key), self.output_key: pair}

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The pair to image and, unless `image_only`, label."""
        image, mask = self.pair.unpair(data[self.output_key])
        parts = {**self._without(data, self.output_key), self.image_key: image}
        return parts if mask is None else {**parts, self.label_key: mask}

    def _without(self, data: Mapping[Hashable, Any], *keys: str) -> dict[Hashable, Any]:
        return {key: value for key, value in data.items() if not (self.drop and key in keys)}
