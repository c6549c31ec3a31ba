"""What a generator is fed that draws an image for each mask: latents and masks, bent at random if that is wished."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from monai.transforms import (
    AsDiscreted,
    Compose,
    EnsureTyped,
    Identityd,
    RandAffined,
    RandFlipd,
    Resized,
    SelectItemsd,
    Transform,
)
from torch import Tensor
from torch.utils.data import Dataset

from ..data.datalist import source_case
from ..data.latents import LatentDataset
from ..data.mask_source import MaskSource
from ..transforms.load_case import LoadCased
from ..transforms.mask_range import MaskRanged
from ..transforms.prepare_case import PrepareCased

logger = logging.getLogger(__name__)
_MOST = 4  # of the bend: a scale of 1 ± 0.6
_TURN = 0.1  # radians, about 6°
_SCALE = 0.15
_SHIFT = 0.06  # of each axis
_SHEAR = 0.05


class GivenMasks(Dataset):
    """Items of `latents`, each with a ``mask`` (1, H, W, D) in [-1, 1] and ``mask_from``, the id of its source.

    A case's mask and what bends it follow from the case's number and seed, so that a case can be made again alone. A
    mask that the bend moves out of the volume stays as it is. A mask that is empty on the generator's grid is used, and
    named in the log.

    Args:
        latents: Of the pairs.
        source: Of the masks. Those of a folder are laid over the whole image; cases of the training are prepared as
            they were there.
        settings: Of the generator, as its model file has them.
        bend: 0 leaves the masks as they are; 1 turns them by up to 6°, scales them by up to 15 %, shifts them by up to
            6 % of the volume, shears them a little and mirrors every second one; larger ones, up to 4, do more.

    Raises:
        ValueError: `bend` is out of its range.
    """

    def __init__(
        self, latents: LatentDataset, source: MaskSource, *, settings: Mapping[str, Any], bend: float = 1.0
    ) -> None:
        if not 0 <= bend <= _MOST:
            raise ValueError(f"mask_bend is {bend}, expected 0 to {_MOST}: 0 leaves the masks as they are")
        self.latents = latents
        self.source = source
        self.load = _loading(settings, listed=source.listed)
        self.bend = _bending(settings["image_size"], bend)
        self.empty: set[str] = set()

    def __len__(self) -> int:
        return len(self.latents)

    def __getitem__(self, index: int) -> dict[str, Any]:
        item = self.latents[index]
        case = self.source.cases[self.latents.indices[index] % len(self.source.cases)]
        name = source_case(case)
        plain: Tensor = self.load(case)["label"]  # (1, H, W, D)
        if plain.max() <= -1 and name not in self.empty:
            self.empty.add(name)
            logger.warning("the mask of %s is empty on the generator's grid: its image is to show no lesion", name)
        self.bend.set_random_state(item["seed"] % 2**32)
        bent: Tensor = self.bend({"label": plain})["label"]
        return {**item, "mask": bent if bent.max() > -1 else plain, "mask_from": name}


def latents_and_masks(
    batch: Mapping[str, Any], device: torch.device, *_: Any, **__: Any
) -> tuple[Tensor, None, tuple, dict]:
    """What MONAI's evaluator gives a generator: latents and, where there are some, masks."""
    masks = {"mask": batch["mask"].to(device)} if "mask" in batch else {}
    return batch["image"].to(device), None, (), masks


def _loading(settings: Mapping[str, Any], *, listed: bool) -> Compose:
    """From an entry to its mask in [-1, 1] on the generator's grid."""
    size, labels, binary = settings["image_size"], settings["labels"], settings["binary_mask"]
    if listed:
        prepare = PrepareCased(
            ["image", "label"],  # the crop is found on the image
            preprocessing=settings["preprocessing"],
            image_size=size,
            hu_window=settings["hu_window"],
        )
        steps: list[Any] = [prepare]
    else:
        check = AsDiscreted("label", threshold=0.5) if binary else _KnownLabels(labels)
        steps = [LoadCased("label", crop="none"), check, Resized("label", spatial_size=size, mode="nearest-exact")]
    window = MaskRanged("label", labels, binary=binary)
    return Compose([*steps, window, SelectItemsd("label"), EnsureTyped("label", track_meta=False)])


class _KnownLabels(Transform):
    """Refuses a mask of other classes than the generator's, by name."""

    def __init__(self, labels: int) -> None:
        self.labels = labels

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        mask = data["label"]
        if other := [int(value) for value in mask.unique() if not 0 <= value < self.labels]:
            raise ValueError(
                f"{mask.meta['filename_or_obj']} holds the values {other}, expected only 0 to {self.labels - 1}, the "
                "labels that the generator was trained with: map them in the mask, or take it out of --masks"
            )
        return data


def _bending(size: Sequence[int], strength: float) -> Compose:
    if not strength:
        return Compose([Identityd("label")])
    affine = RandAffined(
        "label",
        prob=1,
        rotate_range=[strength * _TURN] * 3,
        scale_range=[strength * _SCALE] * 3,
        translate_range=[strength * _SHIFT * axis for axis in size],
        shear_range=[strength * _SHEAR] * 6,
        mode="nearest",
        padding_mode="border",
    )
    return Compose([RandFlipd("label", prob=0.5, spatial_axis=0), affine])
