"""Cropping to the head and neck, by a table of bounds for each centre or by the patient's own box."""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import Crop, Cropd
from monai.transforms.utils import generate_spatial_bounding_box
from monai.utils import ensure_tuple_rep
from nibabel.orientations import aff2axcodes

from .body_mask import BodyMask

Bounds = Sequence[Sequence[float]]
Fallback = Literal["body", "error", "none"]
Box = tuple[np.ndarray, np.ndarray]


class CentreBoundsCrop(Crop):
    """Crops (C, H, W, D) in RAS to the bounds of its centre (thesis 3.4.3), or to the body where the table has none.

    Args:
        bounds: Centre to `[[x0, x1], [y0, y1], [z0, z1]]`, fractions of each axis from right, back and feet.
        default: For a centre that is not in the table: the `body` box, an `error`, or `none` (nothing cropped).
        select_fn: HU to body mask, for the body box.
        margin: Voxels added around the body box, one number or one an axis.
        top_mm: Keeps so much of the body box, from the top of the head down: whole-body scans end at the chest.
        min_size: Voxels that remain at least, one number or one an axis; a smaller image keeps all it has.

    Raises:
        ValueError: malformed bounds, a centre outside the table with `error`, an image not in RAS, or one with no body.
    """

    def __init__(
        self,
        bounds: Mapping[str, Bounds] | None = None,
        *,
        default: Fallback = "body",
        select_fn: Callable[[torch.Tensor], torch.Tensor] | None = None,
        margin: Sequence[int] | int = 4,
        top_mm: float | None = None,
        min_size: Sequence[int] | int = 16,
    ) -> None:
        super().__init__()
        if default not in get_args(Fallback):
            raise ValueError(f"crop: unknown default {default!r}, expected one of {', '.join(get_args(Fallback))}")
        self.bounds = {centre: _checked(centre, box) for centre, box in (bounds or {}).items()}
        self.default, self.select_fn = default, select_fn or BodyMask()
        self.margin, self.top_mm, self.min_size = margin, top_mm, min_size

    def __call__(  # type: ignore[override]  # like MONAI's own crops that find their slices themselves
        self, img: torch.Tensor, centre: str | None = None, lazy: bool | None = None
    ) -> torch.Tensor:
        """The part of `img` inside its own box."""
        return self.crop(img, self.box(img, centre), lazy)

    def box(self, img: torch.Tensor, centre: str | None = None, *, cropped: bool = False) -> Box:
        """First voxel of the box and the one behind its last, for each spatial axis; all of it where it is cropped."""
        size = np.array(img.shape[1:])
        if cropped:
            start, end = np.zeros_like(size), size
        elif centre in self.bounds:
            _in_ras(img)
            start, end = np.rint(self.bounds[centre].T * size).astype(int)
        elif self.default == "body":
            start, end = self._body_box(img)
        elif self.default == "none":
            start, end = np.zeros_like(size), size
        else:
            raise ValueError(
                f"crop of {_name(img)}: no bounds for centre {centre!r}, the table has {sorted(self.bounds)}; "
                "add it, or set default: body"
            )
        # grown evenly to the least size, and moved inside the image
        length = np.minimum(np.maximum(end - start, ensure_tuple_rep(self.min_size, len(size))), size)
        start = np.clip(start - (length - (end - start)) // 2, 0, size - length)
        return start, start + length

    def crop(self, img: torch.Tensor, box: Box, lazy: bool | None = None) -> torch.Tensor:
        """The part of `img` inside `box`."""
        return super().__call__(img, self.compute_slices(roi_start=box[0], roi_end=box[1]), lazy=lazy)

    def _body_box(self, img: torch.Tensor) -> Box:
        if isinstance(self.select_fn, BodyMask):
            start, end = self.select_fn.box(img, margin=self.margin)
        else:
            start, end = np.array(
                generate_spatial_bounding_box(img, self.select_fn, margin=self.margin, allow_smaller=True)
            )
        if not end.any():
            raise ValueError(
                f"crop of {_name(img)}: no body found in intensities {float(img.min()):g} to {float(img.max()):g}; "
                "expected HU, or lower the threshold of select_fn"
            )
        if self.top_mm is not None:
            start[2] = max(start[2], end[2] - math.ceil(self.top_mm / float(_in_ras(img).pixdim[2])))
        return start, end


class CentreBoundsCropd(Cropd):
    """Dictionary version of `CentreBoundsCrop`: one box, from the image at `source_key`, for all keys.

    An item whose ``cropped`` is true stays whole: data lists mark so what has been cropped before it was written.

    Args:
        keys: Items to crop; of one spatial shape.
        bounds: As for `CentreBoundsCrop`, like all further options.
        source_key: Image, in HU, that the box is found on.
        centre_key: Item that names the centre; may be absent where a default applies.
        allow_missing_keys: Leave out keys that are absent.
    """

    def __init__(
        self,
        keys: KeysCollection,
        bounds: Mapping[str, Bounds] | None = None,
        *,
        source_key: str = "image",
        centre_key: str = "centre",
        default: Fallback = "body",
        select_fn: Callable[[torch.Tensor], torch.Tensor] | None = None,
        margin: Sequence[int] | int = 4,
        top_mm: float | None = None,
        min_size: Sequence[int] | int = 16,
        allow_missing_keys: bool = False,
    ) -> None:
        self.centre_crop = CentreBoundsCrop(
            bounds, default=default, select_fn=select_fn, margin=margin, top_mm=top_mm, min_size=min_size
        )
        super().__init__(keys, cropper=self.centre_crop, allow_missing_keys=allow_missing_keys)
        self.source_key, self.centre_key = source_key, centre_key

    @property
    def requires_current_data(self) -> bool:
        """The box is found on voxels, so lazy operations before it are carried out."""
        return True

    def __call__(self, data: Mapping[Hashable, Any], lazy: bool | None = None) -> dict[Hashable, Any]:
        """Crop each key to the source's box."""
        d = dict(data)
        source = d[self.source_key]
        box = self.centre_crop.box(source, d.get(self.centre_key), cropped=d.get("cropped", False))
        for key in self.key_iterator(d):
            if d[key].shape[1:] != source.shape[1:]:
                raise ValueError(
                    f"crop of {_name(source)}: {key} {tuple(d[key].shape)} and {self.source_key} "
                    f"{tuple(source.shape)} differ in shape"
                )
            d[key] = self.centre_crop.crop(d[key], box, self.lazy if lazy is None else lazy)
        return d


def _checked(centre: str, bounds: Bounds) -> np.ndarray:
    try:
        box = np.array(bounds, dtype=float)
    except (TypeError, ValueError):
        box = np.empty(0)
    if box.shape != (3, 2) or not (box[:, 0] < box[:, 1]).all() or box.min() < 0 or box.max() > 1:
        raise ValueError(
            f"crop bounds of centre {centre!r}: expected [[x0, x1], [y0, y1], [z0, z1]] with 0 <= lower < upper <= 1, "
            f"found {bounds}: mend --centre_bounds"
        )
    return box


def _in_ras(img: torch.Tensor) -> MetaTensor:
    """The image itself, if it is in RAS."""
    codes = "".join(map(str, aff2axcodes(img.affine.numpy()))) if isinstance(img, MetaTensor) else "unknown"
    if not isinstance(img, MetaTensor) or codes != "RAS":
        raise ValueError(f"crop of {_name(img)}: orientation is {codes}, expected RAS; put Orientationd before it")
    return img


def _name(img: torch.Tensor) -> str:
    return str(img.meta.get("filename_or_obj", "image")) if isinstance(img, MetaTensor) else "image"
