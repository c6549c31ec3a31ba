"""Clean labels from a generated mask."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.transforms import FillHoles, KeepLargestConnectedComponent, MapTransform, Transform
from monai.utils import convert_to_numpy
from skimage import measure

from .mask_range import MaskRange


class MaskCleanup(Transform):
    """Generated mask (1, H, W, D) to uint8 labels: nearest label, largest parts, no small parts, no holes, in turn.

    Args:
        mask_range: Mapping of the training masks, for a mask in [-1, 1]; None for one in label units.
        threshold: Label units above which a voxel is foreground. The thesis's "above 0" (3.8.2) is 1 for labels 0, 1, 2
            and 0.5 for binary masks.
        binary: All foreground becomes label 1.
        min_size: Voxels that a connected part of one label needs to stay.
        keep_largest: Number of connected parts of each label that stay at most; None for all.
        fill_holes: Background enclosed by one label becomes that label; another label inside it stays.
        connectivity: Neighbours within a part: 1 by faces, 2 also by edges, 3 also by corners.

    Raises:
        ValueError: a mask that is not (1, H, W, D), or that holds NaN.
    """

    def __init__(
        self,
        *,
        mask_range: MaskRange | None = None,
        threshold: float = 0.5,
        binary: bool = False,
        min_size: int = 0,
        keep_largest: int | None = None,
        fill_holes: bool = False,
        connectivity: int = 1,
    ) -> None:
        self.mask_range, self.threshold, self.binary = mask_range, threshold, binary
        self.min_size, self.keep_largest, self.fill_holes = min_size, keep_largest, fill_holes
        self.connectivity = connectivity

    def __call__(self, mask: torch.Tensor) -> torch.Tensor:
        """Mask to labels."""
        if mask.ndim != 4 or mask.shape[0] != 1 or mask.isnan().any():
            what = f"NaN in {tuple(mask.shape)}" if mask.isnan().any() else tuple(mask.shape)
            raise ValueError(f"mask clean-up: expected one finite mask (1, H, W, D), got {what}")
        values = mask if self.mask_range is None else torch.as_tensor(self.mask_range.inverse(mask))
        top = 1 if self.binary else 255 if self.mask_range is None else self.mask_range.top
        labels = values.round().clamp(1, top).mul(values > self.threshold).to(torch.uint8)  # the nearest
        present = [int(label) for label in labels.unique() if label > 0]
        for label in present:
            labels[(labels == label) & ~self._kept(labels == label)] = 0
        if self.fill_holes:
            # background leaks out through corners where the foreground is connected by faces only, and vice versa
            fill = FillHoles(applied_labels=1, connectivity=3 if self.connectivity == 1 else 1)
            for label in present:
                labels[(labels == 0) & torch.as_tensor(fill((labels == label).byte())).bool()] = label
        return labels

    def _kept(self, part: torch.Tensor) -> torch.Tensor:
        """One label's voxels (1, H, W, D) → those in parts that stay."""
        kept = part.byte()
        if self.keep_largest is not None:
            keep = KeepLargestConnectedComponent(
                applied_labels=1, is_onehot=False, connectivity=self.connectivity, num_components=self.keep_largest
            )
            kept = torch.as_tensor(keep(kept))
        if self.min_size > 1:
            # MONAI 1.6.1's RemoveSmallObjects takes off parts of just `min_size` too, with scikit-image 0.26
            parts = measure.label(convert_to_numpy(kept)[0], connectivity=self.connectivity)
            large = np.bincount(parts.ravel()) >= self.min_size
            large[0] = False
            kept = torch.as_tensor(large[parts], device=part.device)[None]
        return kept.bool()


class MaskCleanupd(MapTransform):
    """Dictionary version of `MaskCleanup`; `options` are its own."""

    def __init__(self, keys: KeysCollection, *, allow_missing_keys: bool = False, **options: Any) -> None:
        super().__init__(keys, allow_missing_keys)
        self.cleanup = MaskCleanup(**options)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Each key to labels."""
        return {**data, **{key: self.cleanup(data[key]) for key in self.key_iterator(data)}}
