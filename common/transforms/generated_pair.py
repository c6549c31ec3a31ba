"""From what a generator makes back to an image in HU and a mask of label values."""

from collections.abc import Hashable, Mapping
from typing import Any

from monai.transforms import MapTransform, Transform

from .hu_window import HUWindowd
from .mask_cleanup import MaskCleanupd
from .mask_range import MaskRanged
from .pairing import Paird, pair_shape
from .tiling import Tiled


class GeneratedPaird(Transform):
    """The inverse of a training's last steps: plane to volume, pair to image and mask, [-1, 1] to HU and label values.

    Args:
        settings: Of the generator, as its model file has them: ``image_size``, ``pairing``, ``hu_window``, ``labels``,
            ``binary_mask``, and where they are used ``mask_window`` and ``plane_size``.
        cleanup: Of the mask, see `MaskCleanup`; by default labels are told apart and nothing is removed.
        key: Of the generator's output.
    """

    def __init__(
        self, settings: Mapping[str, Any], cleanup: Mapping[str, Any] | None = None, *, key: str = "pred"
    ) -> None:
        self.key = key
        low, high = settings.get("mask_window") or (None, None)
        steps: list[MapTransform] = [
            Paird(output_key=key, mode=settings["pairing"]),
            MaskRanged(
                "label", settings["labels"], binary=settings["binary_mask"], low=low, high=high, allow_missing_keys=True
            ),
            HUWindowd("image", *settings["hu_window"]),
        ]
        if plane := settings.get("plane_size"):
            volume = pair_shape(settings["image_size"], settings["pairing"])[1:]
            steps.insert(0, Tiled(key, volume, plane_size=plane))
        self.steps = steps
        cleanup = {"binary": settings["binary_mask"]} if cleanup is None else cleanup
        last = 1 if settings["binary_mask"] else settings["labels"] - 1
        if settings["pairing"] != "image_only" and cleanup.get("threshold", 0) >= last:
            raise ValueError(
                f"threshold is {cleanup['threshold']:g}, expected one below the last label, {last}, or all masks are "
                "empty: set another --threshold, or leave it out"
            )
        self.cleanup = MaskCleanupd("label", allow_missing_keys=True, **cleanup)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """``image`` and, of pairs, ``label``; all other items go."""
        out: dict[Hashable, Any] = {self.key: data[self.key]}
        for step in self.steps:
            out = step.inverse(out)
        return self.cleanup(out)
