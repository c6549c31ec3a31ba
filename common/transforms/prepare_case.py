"""From the files of a case to what a generator learns from, before image and mask are paired."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform, Resized, ResizeWithPadOrCropd, Transform, Zoomd

from ..data.preprocessing import complete
from .hu_window import HUWindowd
from .keep_spacing import KeepSpacingd
from .load_case import LoadCased
from .resize import AntialiasedResized

AIR = -1.0  # of a windowed image


class PrepareCased(MapTransform):
    """Paths to an image in [-1, 1] and a mask of label values, both (1, *image_size), and their ``spacing`` in mm.

    The steps (thesis 3.4.3): `LoadCased`, the HU window, and the grid of the network. ``fit: resize`` resamples the
    cropped volume to `image_size`, masks by nearest neighbour; ``fit: zoom`` shrinks the whole volume by a factor and
    cuts or pads it with air (thesis 3.4.1). With ``resize_pair`` the grid is left to the pair. Trainings of generators,
    the evaluation, the reader study and the filter against copies all prepare real cases by this one transform.

    Args:
        keys: ``image`` and, unless there are no masks, ``label``.
        preprocessing: See `common.data.preprocessing.Preprocessing`; what it does not say is as in the thesis.
        image_size: Voxels (H, W, D).
        hu_window: That becomes -1 and 1.
        allow_missing_keys: Leave out keys that are absent.
    """

    def __init__(
        self,
        keys: KeysCollection,
        *,
        preprocessing: Mapping[str, Any],
        image_size: Sequence[int],
        hu_window: Sequence[float],
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        given, missing = complete(preprocessing), allow_missing_keys
        load = LoadCased(
            keys,
            spacing=given["spacing"],
            centre_bounds=given["centre_bounds"],
            crop=given["crop"],
            allow_missing_keys=missing,
        )
        masks = [key for key in self.keys if key != "image"]
        if given["zoom"] is not None and given["fit"] == "zoom":
            modes = ["area" if key == "image" else "nearest-exact" for key in self.keys]
            grid: list[Transform] = [
                Zoomd(keys, zoom=given["zoom"], mode=modes, keep_size=False, allow_missing_keys=missing),
                ResizeWithPadOrCropd("image", spatial_size=image_size, value=AIR),
                *(ResizeWithPadOrCropd(key, spatial_size=image_size, allow_missing_keys=missing) for key in masks),
            ]
        else:
            grid = [
                AntialiasedResized("image", image_size),
                *(
                    Resized(key, spatial_size=image_size, mode="nearest-exact", allow_missing_keys=missing)
                    for key in masks
                ),
            ]
        window = HUWindowd("image", hu_window[0], hu_window[1])
        self.steps = [load, window, *([] if given["resize_pair"] else grid), KeepSpacingd("image")]

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Prepare a case."""
        for step in self.steps:
            data = step(data)
        return dict(data)
