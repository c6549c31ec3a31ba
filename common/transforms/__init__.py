"""MONAI transforms for HU windows, label ranges, pairing, tiling, augmentation and mask clean-up."""

from .augmentation import random_affine, random_elastic
from .body_mask import BodyMask
from .centre_crop import CentreBoundsCrop, CentreBoundsCropd
from .hu_window import HUWindow, HUWindowd
from .keep_spacing import KeepSpacingd
from .mask_cleanup import MaskCleanup, MaskCleanupd
from .mask_range import MaskRange, MaskRanged
from .overlay import Overlay, Overlayd
from .pairing import Pair, Paird, PairMode, pair_shape
from .resize import AntialiasedResize, AntialiasedResized
from .spacing_of_keys import SpacingOfKeysd
from .tiling import Tile, Tiled
from .voxel_size import RandVoxelSized

__all__ = [
    "AntialiasedResize",
    "AntialiasedResized",
    "BodyMask",
    "CentreBoundsCrop",
    "CentreBoundsCropd",
    "HUWindow",
    "HUWindowd",
    "KeepSpacingd",
    "MaskCleanup",
    "MaskCleanupd",
    "MaskRange",
    "MaskRanged",
    "Overlay",
    "Overlayd",
    "Pair",
    "PairMode",
    "Paird",
    "RandVoxelSized",
    "SpacingOfKeysd",
    "Tile",
    "Tiled",
    "pair_shape",
    "random_affine",
    "random_elastic",
]
