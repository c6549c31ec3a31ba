"""The fine grid a patient is drawn on, and its reduction to the voxels of the scan."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .shapes import Shape, Vector, smooth_union

Slices = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Grid:
    """Voxels of the scan: `size` voxels of `spacing` mm, the first one centred at `origin` mm (RAS)."""

    size: Sequence[int]
    spacing: Sequence[float]
    origin: Sequence[float]

    @property
    def affine(self) -> np.ndarray:
        """(4, 4) affine from voxel indices to RAS mm."""
        affine = np.diag([*self.spacing, 1.0])
        affine[:3, 3] = self.origin
        return affine

    def factors(self, fine: float) -> tuple[int, ...]:
        """Fine samples per voxel and axis, so that none is wider than `fine` mm."""
        return tuple(max(1, int(np.ceil(s / fine - 1e-6))) for s in self.spacing)

    def axes(self, factors: Sequence[int] = (1, 1, 1)) -> list[np.ndarray]:
        """Coordinates (mm) along x, y, z with `factors` samples per voxel."""
        return [
            (o + ((np.arange(n * f) + 0.5) / f - 0.5) * s).astype(np.float32)
            for n, s, o, f in zip(self.size, self.spacing, self.origin, factors, strict=True)
        ]


@dataclass(frozen=True)
class Tissue:
    """Mean and grain of a tissue, HU."""

    hu: float
    texture: float = 0.0


class Canvas:
    """Intensities (HU) on the fine grid, with the patient-frame coordinates of every sample.

    Args:
        grid: the voxels of the scan.
        fine: widest sample, mm.
        warp: maps the scan's x, y, z axes to patient-frame coordinates, each of the full fine shape.
    """

    def __init__(
        self, grid: Grid, *, fine: float, warp: Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]]
    ) -> None:
        self.grid = grid
        self.factors = grid.factors(fine)
        self.axes = grid.axes(self.factors)
        x, y, z = warp(self.axes)
        self.coordinates = x, y, z
        self.hu: np.ndarray = np.full(x.shape, -1000, np.float32)
        self.grain: np.ndarray = np.zeros_like(self.hu)  # unit-variance texture, one for all tissues
        self.depth: np.ndarray = np.zeros_like(self.hu)  # mm to the skin, negative inside
        self.edge = float(np.mean(self.steps))
        across = ((1, 2), (0, 2), (0, 1))  # least and greatest coordinate of each plane across an axis
        self._planes = [(at.min(axes), at.max(axes)) for at, axes in zip(self.coordinates, across, strict=True)]

    def box(self, low: Vector, high: Vector) -> Slices:
        """Slices that hold every sample between the patient-frame corners `low` and `high` (mm)."""
        covering = []
        for (bottom, top), lo, hi in zip(self._planes, low, high, strict=True):
            found = np.flatnonzero((top >= lo - self.edge) & (bottom <= hi + self.edge))
            covering.append(slice(int(found[0]), int(found[-1]) + 1) if found.size else slice(0, 0))
        x, y, z = covering
        return x, y, z

    def at(self, where: Slices) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Patient-frame coordinates (mm) inside `where`."""
        x, y, z = self.coordinates
        return x[where], y[where], z[where]

    def blend(self, where: Slices, distance: np.ndarray, tissue: Tissue) -> None:
        """Lay `tissue` over what is there, wherever `distance` is negative, with a border one sample wide."""
        share = np.clip(0.5 - distance / np.float32(self.edge), 0, 1)
        target = tissue.hu + tissue.texture * self.grain[where]
        self.hu[where] += share * (target - self.hu[where])

    def paint(self, shape: Shape, tissue: Tissue, *, inset: float = 0.0) -> None:
        """Paint a solid, its surface moved `inset` mm inwards (outwards where negative)."""
        low, high = shape.box()
        where = self.box(low - max(-inset, 0), high + max(-inset, 0))
        if all(s.stop > s.start for s in where):
            self.blend(where, shape.distance(*self.at(where)) + np.float32(inset), tissue)

    def join(self, distance: np.ndarray, shape: Shape, *, blend: float) -> None:
        """Unite the solid of `distance` (mm, changed in place) with another one, the joint rounded over `blend` mm."""
        low, high = shape.box()
        where = self.box(low - blend, high + blend)
        if all(s.stop > s.start for s in where):
            distance[where] = smooth_union(distance[where], shape.distance(*self.at(where)), blend)

    @property
    def everywhere(self) -> Slices:
        """The slices of the whole grid."""
        x, y, z = self.hu.shape
        return slice(0, x), slice(0, y), slice(0, z)

    @property
    def steps(self) -> list[float]:
        """Distance of the fine samples along x, y, z, mm."""
        return [s / f for s, f in zip(self.grid.spacing, self.factors, strict=True)]

    def pool(self, values: np.ndarray) -> np.ndarray:
        """Mean of a fine array over each voxel of the scan: the partial volume effect."""
        for axis, (count, factor) in enumerate(zip(self.grid.size, self.factors, strict=True)):
            split = (*values.shape[:axis], count, factor, *values.shape[axis + 1 :])
            values = values.reshape(split).mean(axis=axis + 1, dtype=np.float32)
        return values


def tissue_table(rows: Mapping[str, Mapping[str, float]]) -> dict[str, Tissue]:
    """Tissues of the parameter table by name."""
    return {name: Tissue(**row) for name, row in rows.items()}
