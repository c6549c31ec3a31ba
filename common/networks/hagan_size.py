"""Sizes of HA-GAN's volumes, maps and slabs."""

from collections.abc import Sequence
from math import log2

Size = int | Sequence[int]
LATENT_STRIDE = 4  # voxels per voxel of A and of the low-resolution volume, along each axis


def volume_size(size: Size) -> tuple[int, int, int]:
    """The three axes of ``size`` (one number: a cube), checked.

    Raises:
        ValueError: An axis is no power of two of at least 32 (the last two may go down to 16 and be smaller than the
            first, as for two-channel pairs).
    """
    axes = [size] * 3 if isinstance(size, int) else [int(axis) for axis in size]
    powers = all(axis > 0 and log2(axis).is_integer() for axis in axes)
    if len(axes) != 3 or not powers or axes[0] < 32 or min(axes) < 16 or max(axes) > axes[0]:
        raise ValueError(
            f"volume size is {axes}, expected three powers of two, the first of at least 32 and none above it "
            "(e.g. 128 or [128, 128, 64]): change the image size or the pairing"
        )
    return axes[0], axes[1], axes[2]


def stages(size: tuple[int, int, int]) -> int:
    """Number of ×2 steps between the smallest map (4 along the first axis) and A (a quarter of the volume)."""
    return int(log2(size[0] // LATENT_STRIDE // 4))


def smallest(size: tuple[int, int, int]) -> tuple[int, int, int]:
    """The smallest map of volumes of ``size``: 4 along the first axis, the others in proportion."""
    return 4, size[1] * 4 // size[0], size[2] * 4 // size[0]


def slab_depth(size: Size, slab_fraction: int) -> int:
    """Number of slices of a slab along the first axis.

    Raises:
        ValueError: The slab would hold no whole voxel of A.
    """
    depth, rest = divmod(volume_size(size)[0], slab_fraction)
    if rest or depth % LATENT_STRIDE:
        raise ValueError(
            f"slab_fraction {slab_fraction} cuts size {size} into slabs of {depth} slices, expected a multiple of "
            f"{LATENT_STRIDE}: use a smaller slab_fraction"
        )
    return depth
