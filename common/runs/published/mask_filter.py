"""Tells generated pairs whose mask does not fit the image, to keep them out of a set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...data.volume_file import open_volume, read_mask
from ...files import content_sha256, file_sha256
from ...metrics.mask_statistics import AIR_HU
from ..bundle_predictions import inference_config, predict_masks, require_segmenter
from ..pair_dice import pair_dice

NOT_FOUND = "mask not found by the segmenter"
IN_AIR = "mask in air"


@dataclass(frozen=True)
class MaskFilter:
    """A mask must be where a segmenter that knows real cases finds it, and not in air.

    Attributes:
        segmenter: Folder of a MONAI bundle with an inference config, or the config; None asks none. It runs as code:
            trust it.
        min_dice: Of the pair's mask, all labels joined, with the segmenter's.
        max_air: Largest share of the mask's voxels below -400 HU; None takes any.
        overrides: Config id to value of the segmenter, see `predict_masks`.
        work_dir: Gets the predictions.
    """

    segmenter: str | Path | None
    min_dice: float
    max_air: float | None
    work_dir: str | Path
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse bounds that no mask or every mask keeps, and a segmenter that would refuse its options.

        Raises:
            FileNotFoundError: There is no such segmenter.
            ValueError: A bound outside [0, 1], or an override that the segmenter does not have.
        """
        if self.segmenter is not None:
            require_segmenter(self.segmenter, self.overrides)
        for name, bound in (("min_dice", self.min_dice), ("max_mask_air", self.max_air)):
            if bound is not None and not 0 <= bound <= 1:
                raise ValueError(f"{name} is {bound}, expected a share, 0 to 1")

    @property
    def identity(self) -> str:
        """Hash of what decides: the bounds, the segmenter's config and weights."""
        files = []
        if self.segmenter is not None:
            config = inference_config(self.segmenter)
            weights = config.parent.parent / "models" / "model.pt"
            files = [file_sha256(path) for path in (config, weights) if path.is_file()]
        named = [value for value in self.overrides.values() if isinstance(value, str) and Path(value).is_file()]
        files += [file_sha256(path) for path in named]  # such as other weights
        return content_sha256([files, self.min_dice, self.max_air, dict(self.overrides)])

    def reasons(self, entries: Sequence[Mapping[str, Any]]) -> list[tuple[float | None, str | None]]:
        """Dice with the segmenter's mask (None without one) and why a pair is left out (None: it stays), of each entry.

        Args:
            entries: With ``case_id``, ``image`` and ``label``, paths. An empty mask has no Dice, and stays.
        """
        found: list[float | None] = [None] * len(entries)
        if self.segmenter is not None and entries:
            masks = predict_masks(self.segmenter, entries, work_dir=self.work_dir, overrides=self.overrides)
            dice = [pair_dice(entry, masks[entry["case_id"]])["foreground"]["dice"] for entry in entries]
            found = [None if np.isnan(value) else value for value in dice]
        return [(dice, self._reason(entry, dice)) for entry, dice in zip(entries, found, strict=True)]

    def describe(self, dice: Sequence[float | None]) -> dict[str, Any]:
        """The bounds and the median Dice of the pairs that were taken, as plain values."""
        known = [value for value in dice if value is not None]
        median = round(float(np.median(known)), 4) if known else None
        segmenter = None if self.segmenter is None else str(self.segmenter)
        return {"segmenter": segmenter, "min_dice": self.min_dice, "max_mask_air": self.max_air, "median_dice": median}

    def _reason(self, entry: Mapping[str, Any], dice: float | None) -> str | None:
        if self.max_air is not None:
            image = np.asarray(open_volume(entry["image"]).dataobj)
            inside = image[read_mask(open_volume(entry["label"]), path=entry["label"]) > 0]
            if inside.size and (inside < AIR_HU).mean() > self.max_air:
                return IN_AIR
        return NOT_FOUND if dice is not None and dice < self.min_dice else None
