"""Volumes of the cases that are looked at, as the viewer reads them."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from monai.transforms import Compose, Transform
from monai.utils import convert_to_numpy
from nibabel.affines import voxel_sizes

from ..data.generated_set import GeneratedSet
from ..transforms import HUWindowd, LoadCased, PrepareCased
from ..web.neutral_nifti import neutral_nifti
from .cases import ShownCase

_KEYS = ("image", "label")
_KEPT = 6  # cases in memory: the one that is shown, its neighbour, and those before


class ShownVolumes:
    """NIfTI files of cases: images in whole HU, masks of classes; those that were asked for last are kept.

    Generated volumes are shown as their files have them. So are real ones, in RAS, unless `prepared`, which brings them
    to what the generator was trained on.

    Args:
        generated: The set; without one nothing is prepared.
        prepared: Whether real cases are cropped, resampled and windowed as the generator's training did.
    """

    def __init__(self, generated: GeneratedSet | None = None, *, prepared: bool = True) -> None:
        plain = LoadCased(_KEYS, crop="none", allow_missing_keys=True)
        self.binary = generated is not None and generated.binary_mask
        self.transforms: dict[str, Transform] = {"generated": plain, "real": plain}
        if generated is not None and prepared:
            low, high = generated.hu_window
            on_grid = PrepareCased(
                _KEYS,
                preprocessing=generated.preprocessing,
                image_size=generated.image_size,
                hu_window=(low, high),
                allow_missing_keys=True,
            )
            self.transforms["real"] = Compose([on_grid, HUWindowd("image", low, high).inverse])
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, dict[str, bytes]] = OrderedDict()

    def files(self, case: ShownCase) -> Mapping[str, bytes]:
        """``image`` and, where the case has a mask, ``label``.

        Raises:
            Exception: The case cannot be read.
        """
        key = f"{case.side}/{case.case_id}"
        with self._lock:  # both files are asked for at once, and a volume is large
            if key not in self._kept:
                self._kept[key] = self._read(case)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]

    def _read(self, case: ShownCase) -> dict[str, bytes]:
        item: Mapping[Any, Any] = self.transforms[case.side](dict(case.entry))
        spacing: Sequence[float] = (
            item["spacing"] if "spacing" in item else voxel_sizes(convert_to_numpy(item["image"].affine))
        )
        image = np.nan_to_num(convert_to_numpy(item["image"])[0])
        files = {"image": neutral_nifti(np.rint(np.clip(image, -32768, 32767)).astype(np.int16), spacing=spacing)}
        if "label" in item:
            mask = np.rint(convert_to_numpy(item["label"])[0])
            mask = np.minimum(mask, 1) if self.binary else mask
            files["label"] = neutral_nifti(mask.astype(np.uint8), spacing=spacing)
        return files
