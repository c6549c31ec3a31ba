"""The patient in a CT, without the couch."""

from collections.abc import Sequence

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms.utils import get_largest_connected_component_mask
from monai.utils import convert_to_numpy, ensure_tuple_rep
from scipy import ndimage


class BodyMask:
    """Largest connected part of a CT above `threshold` HU; a `select_fn` for MONAI's `CropForeground`.

    Sheets thinner than `thickness` mm (couch, mattress cover, fixation mask) go before the parts are counted, so a
    couch does not count as body even where it touches. Axial slices with less than `min_area` mm² of body go after:
    some data sets keep a single organ beyond the scanned region. Works on a grid of about `grid` mm, to which the
    mask's border is right; takes the spacing from a MetaTensor, else 1 mm. (C, H, W, D) HU to bool of the same shape.
    """

    def __init__(
        self, threshold: float = -300, *, thickness: float = 8, min_area: float = 2000, grid: float = 3
    ) -> None:
        self.threshold, self.thickness, self.min_area, self.grid = threshold, thickness, min_area, grid

    def __call__(self, img: torch.Tensor) -> torch.Tensor:
        """HU to body mask."""
        body, stride = self._coarse(img)
        for axis, size in enumerate(img.shape[1:]):
            body = np.repeat(body, stride[axis], axis=axis).take(range(size), axis=axis)
        return torch.as_tensor(body)[None].expand(img.shape)

    def box(self, img: torch.Tensor, *, margin: Sequence[int] | int = 0) -> tuple[np.ndarray, np.ndarray]:
        """First voxel of the body's box and the one behind its last, with a margin inside the image; 0, 0 for none.

        As MONAI's `generate_spatial_bounding_box` of the mask, without a mask of the image's size.
        """
        body, stride = self._coarse(img)
        size = np.array(img.shape[1:])
        if not body.any():
            return np.zeros_like(size), np.zeros_like(size)
        sides = ndimage.find_objects(body.astype(np.uint8))[0]
        start, end = (np.array([getattr(side, name) for side in sides]) * stride for name in ("start", "stop"))
        grown = ensure_tuple_rep(margin, len(size))
        return np.maximum(start - grown, 0), np.minimum(np.minimum(end, size) + grown, size)

    def _coarse(self, img: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """The mask (H, W, D) on every n-th voxel, and n for each axis."""
        spacing = np.asarray(img.pixdim) if isinstance(img, MetaTensor) else np.ones(img.ndim - 1)
        stride = np.maximum(1, self.grid / spacing).astype(int)
        thinned = convert_to_numpy(img[(slice(None), *(slice(None, None, step) for step in stride.tolist()))])
        coarse = thinned.max(axis=0) > self.threshold
        spacing = spacing * stride
        if steps := round(self.thickness / 2 / float(spacing.mean())):
            # repeated at the border: a scan of few slices is not a sheet
            padded = ndimage.binary_opening(np.pad(coarse, steps, mode="edge"), iterations=steps)
            coarse = padded[tuple(slice(steps, -steps) for _ in padded.shape)]
        body = get_largest_connected_component_mask(coarse, connectivity=1)
        body &= body.sum(axis=(0, 1)) * spacing[0] * spacing[1] >= self.min_area
        return body, stride
