"""The patient in a CT, without the couch."""

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms.utils import get_largest_connected_component_mask
from monai.utils import convert_to_numpy
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
        spacing = np.asarray(img.pixdim) if isinstance(img, MetaTensor) else np.ones(img.ndim - 1)
        stride = np.maximum(1, self.grid / spacing).astype(int)
        volume = convert_to_numpy(img).max(axis=0)
        coarse = volume[tuple(slice(None, None, step) for step in stride)] > self.threshold
        spacing = spacing * stride
        if steps := round(self.thickness / 2 / float(spacing.mean())):
            # repeated at the border: a scan of few slices is not a sheet
            padded = ndimage.binary_opening(np.pad(coarse, steps, mode="edge"), iterations=steps)
            coarse = padded[tuple(slice(steps, -steps) for _ in padded.shape)]
        body = get_largest_connected_component_mask(coarse, connectivity=1)
        body &= body.sum(axis=(0, 1)) * spacing[0] * spacing[1] >= self.min_area
        for axis, size in enumerate(volume.shape):
            body = np.repeat(body, stride[axis], axis=axis).take(range(size), axis=axis)
        return torch.as_tensor(body)[None].expand(img.shape)
