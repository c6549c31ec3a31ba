"""Whether a generated set shows what a segmenter takes: masks, grid, HU window and values."""

from collections.abc import Sequence
from dataclasses import dataclass

import nibabel as nib
import numpy as np
from nibabel.affines import voxel_sizes

from .check import outside_window
from .generated_set import GeneratedSet

SPACING_FACTOR = 6  # 64 generated slices of a 384 mm head and neck are four times as coarse as 1.5 mm
WINDOW_SHARE = 0.5  # of the segmenter's window that the generator's must cover, and of voxels inside it


@dataclass(frozen=True, kw_only=True)
class SegmenterInput:
    """How a segmenter sees its cases.

    Attributes:
        binary_mask: Whether it knows foreground and background alone.
        spacing: In mm, that it resamples to; by default the median of the real cases.
        hu_window: By default the generator's.
    """

    binary_mask: bool = True
    spacing: Sequence[float] | None = None
    hu_window: Sequence[float] | None = None


def check_masks(generated: GeneratedSet, labels: Sequence[int], *, binary_mask: bool) -> None:
    """Refuse a set without masks, or without the labels that the segmenter tells apart."""
    where = generated.directory
    if not generated.has_labels:
        raise ValueError(f"{where} has images without masks: generate with a GAN of pairs (not --pairing image_only)")
    if generated.binary_mask and not binary_mask and len(labels) > 2:
        raise ValueError(
            f"{where} has masks of one foreground, the segmenter expects the labels {list(labels)}: train with "
            "--binary_mask True, or generate with a GAN of all labels"
        )


def check_window(generated: GeneratedSet, window: Sequence[float]) -> None:
    """Refuse a generator whose HU window leaves out most of the segmenter's."""
    (low, high), (bottom, top) = window, generated.hu_window
    covered = max(0, min(high, top) - max(low, bottom)) / (high - low)
    if covered < WINDOW_SHARE:
        raise ValueError(
            f"{generated.directory} was generated in the HU window [{bottom:g}, {top:g}], which covers {covered:.0%} "
            f"of the segmenter's [{low:g}, {high:g}]: set --hu_window, or generate with a GAN of that window"
        )


def check_grid(name: str, affine: np.ndarray, spacing: Sequence[float] | np.ndarray) -> None:
    """Refuse an image, by its `name`, that is not RAS, or much coarser or finer than the segmenter sees, in mm."""
    if (axes := "".join(nib.aff2axcodes(affine))) != "RAS":
        raise ValueError(
            f"{name} has the orientation {axes}, expected RAS: reorient image and mask, as "
            "nibabel.as_closest_canonical does"
        )
    factors = voxel_sizes(affine) / np.asarray(spacing, dtype=float)
    if max(factors.max(), (1 / factors).max()) > SPACING_FACTOR:
        raise ValueError(
            f"{name} has voxels of {voxel_sizes(affine).round(2).tolist()} mm, more than {SPACING_FACTOR} "
            f"times off the segmenter's {np.round(spacing, 2).tolist()}: set --spacing, or generate at that resolution"
        )


def check_values(name: str, image: np.ndarray, window: Sequence[float]) -> None:
    """Refuse an image, by its `name`, whose values are not HU of about the window, but a network's or a picture's."""
    low, high = window
    if found := outside_window(image, window, share=WINDOW_SHARE):
        raise ValueError(
            f"{name} holds {found} the segmenter's window [{low:g}, {high:g}] HU, expected Hounsfield units "
            "with air below 0: generate again with `run inferring`, which writes HU, or set --hu_window"
        )
