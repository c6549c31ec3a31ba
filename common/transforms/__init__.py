"""MONAI transforms for HU windows, label ranges, pairing, tiling, augmentation and mask clean-up."""

from .affine_flip import RandAffineFlipd
from .augmentation import random_affine, random_elastic
from .body_mask import BodyMask
from .centre_crop import CentreBoundsCrop, CentreBoundsCropd
from .class_patch import RandClassPatchd
from .draw_lesion import DrawLesiond
from .empty_mask import NameEmptyMaskd
from .generated_pair import GeneratedPaird
from .hu_window import HUWindow, HUWindowd
from .keep_spacing import KeepSpacingd
from .lesion_donors import LesionDonors
from .lesion_host import Placement
from .load_case import LoadCased
from .mask_cleanup import MaskCleanup, MaskCleanupd
from .mask_range import MaskRange, MaskRanged
from .overlay import Overlay, Overlayd
from .pairing import Pair, Paird, PairMode, pair_shape
from .paste_lesion import PasteLesiond
from .prepare_case import PrepareCased
from .rand_intensity import RandIntensityd
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
    "DrawLesiond",
    "GeneratedPaird",
    "HUWindow",
    "HUWindowd",
    "KeepSpacingd",
    "LesionDonors",
    "LoadCased",
    "MaskCleanup",
    "MaskCleanupd",
    "MaskRange",
    "MaskRanged",
    "NameEmptyMaskd",
    "Overlay",
    "Overlayd",
    "Pair",
    "PairMode",
    "Paird",
    "PasteLesiond",
    "Placement",
    "PrepareCased",
    "RandAffineFlipd",
    "RandClassPatchd",
    "RandIntensityd",
    "RandVoxelSized",
    "SpacingOfKeysd",
    "Tile",
    "Tiled",
    "pair_shape",
    "random_affine",
    "random_elastic",
]
