"""The slices of a volume as tiles of one 2D plane, and the volume again."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from monai.config import KeysCollection
from monai.transforms import InvertibleTransform, MapTransform, Transform
from torch import Tensor
from torch.nn.functional import pad


class Tile(Transform):
    """Lays the slices of (C, H, W, D) on a plane (C, R, S), row by row; `untile` takes them off exactly (thesis 3.4.2).

    Slice k lies at tile (k // columns, k % columns), the first axis down and the second across: in RAS the patient's
    left at the top and his back at the left of a tile. What no slice covers is `fill`: unused tiles, and the rest of a
    plane that whole tiles do not divide (1024×3680 holds 4 rows of 14 tiles of 256×256, 96 columns are left over).
    A leading batch axis is allowed both ways. The plane carries the volume's metadata: its affine stays the volume's.

    Args:
        volume_size: (H, W, D).
        plane_size: (R, S); by default as large as the tiles need. The thesis has (1024, 3680).
        columns: Tiles in a row; by default as many as the plane is wide, or without `plane_size` the nearly square
            plane.
        parts: The volume holds so many stacks of D / parts slices, each of which begins a row: 2 puts the image of a
            `z_concat` pair in the upper rows and its mask below.
        fill: Of uncovered voxels; -1 is air and background.
        chop: Leave out the last slices of each part, in RAS the head's end, where the plane cannot hold all, as the
            thesis does; `untile` returns them as `fill`. `CenterSpatialCropd` before pairing keeps the centre instead.

    Attributes:
        plane_size: (R, S).
        grid: (rows, columns) of tiles that are in use.
        on_plane: Slices of each part that lie on it.

    Raises:
        ValueError: a size below 1, slices that do not divide into parts, a plane too small, or a volume or plane of
            another shape.
    """

    def __init__(
        self,
        volume_size: Sequence[int],
        *,
        plane_size: Sequence[int] | None = None,
        columns: int | None = None,
        parts: int = 1,
        fill: float = -1.0,
        chop: bool = False,
    ) -> None:
        self.volume_size = tuple(int(n) for n in volume_size)
        _check_sizes(self.volume_size, plane_size, columns, parts)
        height, width, depth = self.volume_size
        self.parts, self.fill, self.stack = parts, fill, depth // parts
        nearly_square = min(math.ceil(math.sqrt(depth * height / width)), self.stack)
        columns = columns or (plane_size and plane_size[1] // width) or nearly_square
        rows = math.ceil(self.stack / columns)  # of a part
        self.plane_size = tuple(int(n) for n in plane_size or (parts * rows * height, columns * width))
        room = self.plane_size[0] // height // parts if columns * width <= self.plane_size[1] else 0
        if room < (1 if chop else rows):
            raise ValueError(self._too_small(columns, room, chop))
        self.grid = (parts * min(rows, room), columns)
        self.on_plane = min(self.stack, min(rows, room) * columns)

    def __call__(self, volume: Tensor) -> Tensor:
        """([B,] C, H, W, D) to ([B,] C, R, S)."""
        self._check("tiling", volume, self.volume_size, "H, W, D")
        (height, width, _), (rows, columns) = self.volume_size, self.grid
        slices = volume.unflatten(-1, (self.parts, self.stack))[..., : self.on_plane]
        slots = self._filled(slices, rows // self.parts * columns - self.on_plane)
        tiles = slots.flatten(-2).unflatten(-1, self.grid)  # (…, H, W, rows, columns)
        plane = tiles.movedim((-2, -1), (-4, -2)).flatten(-4, -3).flatten(-2)
        return self._filled(plane, self.plane_size[1] - columns * width, self.plane_size[0] - rows * height)

    def untile(self, plane: Tensor) -> Tensor:
        """([B,] C, R, S) to ([B,] C, H, W, D)."""
        self._check("un-tiling", plane, self.plane_size, "R, S")
        (height, width, _), (rows, columns) = self.volume_size, self.grid
        used = plane[..., : rows * height, : columns * width]
        tiles = used.unflatten(-1, (columns, width)).unflatten(-3, (rows, height))  # (…, rows, H, columns, W)
        slots = tiles.movedim((-4, -2), (-2, -1)).flatten(-2).unflatten(-1, (self.parts, -1))
        return self._filled(slots[..., : self.on_plane], self.stack - self.on_plane).flatten(-2)

    def _filled(self, x: Tensor, last: int, second_last: int = 0) -> Tensor:
        return pad(x, (0, last, 0, second_last), value=self.fill)

    @staticmethod
    def _check(what: str, x: Tensor, size: tuple[int, ...], names: str) -> None:
        if x.ndim <= len(size) or tuple(x.shape[-len(size) :]) != size:
            raise ValueError(f"{what}: expected ([B,] C, {names}) with {names} = {size}, got {tuple(x.shape)}")

    def _too_small(self, columns: int, room: int, chop: bool) -> str:
        height, width, depth = self.volume_size
        rows = self.parts * math.ceil(self.stack / columns)
        fits = f"{room * self.parts} rows of {columns} tiles" if room else f"no {self.parts} rows of {columns} tiles"
        chopping = "" if chop or not room else ", or leave some out with chop: true"
        return (
            f"tiling: a plane of {self.plane_size[0]}×{self.plane_size[1]} holds {fits}, expected room for {depth} "
            f"slices of {height}×{width} in {self.parts} part(s): take plane_size {[rows * height, columns * width]} "
            f"or more, or smaller or fewer slices{chopping}"
        )


class Tiled(MapTransform, InvertibleTransform):
    """Dictionary version of `Tile`; the inverse needs no transform trace, so it also takes generated planes."""

    def __init__(
        self,
        keys: KeysCollection,
        volume_size: Sequence[int],
        *,
        plane_size: Sequence[int] | None = None,
        columns: int | None = None,
        parts: int = 1,
        fill: float = -1.0,
        chop: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.tile = Tile(volume_size, plane_size=plane_size, columns=columns, parts=parts, fill=fill, chop=chop)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Each key to its plane."""
        return {**data, **{key: self.tile(data[key]) for key in self.key_iterator(data)}}

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Each key to its volume."""
        return {**data, **{key: self.tile.untile(data[key]) for key in self.key_iterator(data)}}


def _check_sizes(
    volume_size: tuple[int, ...], plane_size: Sequence[int] | None, columns: int | None, parts: int
) -> None:
    sizes = [*volume_size, *(plane_size or ()), parts, 1 if columns is None else columns]
    if len(volume_size) != 3 or (plane_size is not None and len(plane_size) != 2) or min(sizes) < 1:
        raise ValueError(
            "tiling: expected volume_size (H, W, D), plane_size (R, S) or none, columns and parts of at least 1, got "
            f"{volume_size}, {plane_size}, {columns} and {parts}"
        )
    if volume_size[2] % parts:
        raise ValueError(
            f"tiling: {volume_size[2]} slices do not divide into {parts} parts; pairs of `z_concat` have 2, others 1"
        )
