"""Maps that double from 4 to 7 voxels to an image of any size, 2D or 3D: how often, from where, what is cut off."""

from collections.abc import Sequence

from torch import Tensor

SMALLEST = 4  # voxels along the smallest axis of the first map, at least


def halvings(size: Sequence[int]) -> int:
    """How often ``size`` is halved until its smallest axis is 4 to 7.

    Raises:
        ValueError: There are not two or three axes, or one is below 4.
    """
    if len(size) not in (2, 3) or min(size) < SMALLEST:
        raise ValueError(f"image size is {list(size)}, expected two or three axes of at least 4: change the image size")
    return (min(size) // SMALLEST).bit_length() - 1


def first_map(size: Sequence[int]) -> tuple[int, ...]:
    """The map that `halvings` doublings make `size` of, or a little more: ⌈size / 2^k⌉ along each axis."""
    return tuple(-(-axis >> halvings(size)) for axis in size)


def crop_centre(x: Tensor, size: Sequence[int]) -> Tensor:
    """The middle ``size`` of maps (B, C, …), of an odd rest the larger half behind."""
    for axis, (have, want) in enumerate(zip(x.shape[2:], size, strict=True), start=2):
        x = x.narrow(axis, (have - want) // 2, want)
    return x
