"""Signed distances (mm, negative inside) of the solids that the anatomy is built of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Coordinates = tuple[np.ndarray, np.ndarray, np.ndarray]
Vector = Sequence[float] | np.ndarray  # along x, y, z
Box = tuple[np.ndarray, np.ndarray]


class Shape(Protocol):
    """A solid: where it lies, and how far a point is from its surface."""

    def box(self) -> Box:
        """Lower and upper corner of the solid, mm."""

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Signed distance of points from the surface, mm, in the shape of `x`."""


@dataclass(frozen=True)
class Ellipsoid:
    """Ellipsoid; the distance is first-order exact near the surface and keeps its sign everywhere."""

    centre: Vector
    radii: Vector

    def box(self) -> Box:
        """Corners of the bounding box."""
        centre, radii = np.asarray(self.centre, float), np.asarray(self.radii, float)
        return centre - radii, centre + radii

    def moved(self, by: np.ndarray) -> "Ellipsoid":
        """The ellipsoid, shifted."""
        return Ellipsoid(np.asarray(self.centre) + by, self.radii)

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Signed distance, mm."""
        return ellipse_distance(zip((x, y, z), self.centre, self.radii, strict=True))


@dataclass(frozen=True)
class Tube:
    """Tube along a polyline whose radius varies linearly between the points; `stretch` scales its section by axis."""

    points: Sequence[Sequence[float]] | np.ndarray
    radii: Sequence[float]
    stretch: Sequence[float] = (1.0, 1.0, 1.0)

    def box(self) -> Box:
        """Corners of the bounding box."""
        points, stretch = np.asarray(self.points, float), np.asarray(self.stretch, float)
        reach = np.asarray(self.radii, float)[:, None] * stretch
        return (points - reach).min(0), (points + reach).max(0)

    def moved(self, by: np.ndarray) -> "Tube":
        """The tube, shifted."""
        return Tube(np.asarray(self.points) + by, self.radii, self.stretch)

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Signed distance, mm along the least stretched axis."""
        stretch = np.asarray(self.stretch, np.float32)
        points = np.asarray(self.points, np.float32) / stretch
        scaled = (x / stretch[0], y / stretch[1], z / stretch[2])
        ends = zip(points[:-1], points[1:], self.radii[:-1], self.radii[1:], strict=True)
        return np.minimum.reduce([_capsule(scaled, *segment) for segment in ends])


@dataclass(frozen=True)
class Arch:
    """Wall along the front of an ellipse in the axial plane, its height falling from the ends to the front."""

    centre: Sequence[float]  # x, y
    radii: Sequence[float]
    half_width: float
    z: Sequence[float]  # middle of the wall at the front and at the ends
    half_height: float
    behind: float = 0.0  # how far the wall goes on behind the centre

    def box(self) -> Box:
        """Corners of the bounding box."""
        (x, y), (a, b), w = self.centre, self.radii, self.half_width
        low = np.array([x - a - w, y - self.behind, min(self.z) - self.half_height])
        return low, np.array([x + a + w, y + b + w, max(self.z) + self.half_height])

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Signed distance, mm."""
        wall = np.abs(ellipse_distance(zip((x, y), self.centre, self.radii, strict=True))) - self.half_width
        forward = np.clip((y - self.centre[1]) / self.radii[1], 0, 1)
        middle = self.z[1] + forward * (self.z[0] - self.z[1])
        return np.maximum.reduce([wall, np.abs(z - middle) - self.half_height, self.centre[1] - self.behind - y])


@dataclass(frozen=True)
class ToothRow:
    """An arch cut into equal teeth, from the patient's left to the right, of which some are absent."""

    arch: Arch
    present: np.ndarray  # (count,) bool
    gap: float  # share of the pitch

    def box(self) -> Box:
        """Corners of the bounding box."""
        return self.arch.box()

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Signed distance, mm; 9 mm where the tooth is absent."""
        (cx, cy), (a, b) = self.arch.centre, self.arch.radii
        place = (np.arctan2((x - cx) / a, (y - cy) / b) / np.pi + 0.5) * len(self.present)
        index = np.clip(place.astype(int), 0, len(self.present) - 1)
        pitch = np.pi * np.mean(self.arch.radii) / len(self.present)
        between = (np.abs(place - index - 0.5) - 0.5 + self.gap) * pitch
        tooth = np.maximum(self.arch.distance(x, y, z), between)
        return np.where(self.present[index], tooth, 9).astype(np.float32)

    def centre(self, index: int) -> np.ndarray:
        """Middle of a tooth, mm."""
        angle = np.pi * ((index + 0.5) / len(self.present) - 0.5)
        (x, y), (a, b) = self.arch.centre, self.arch.radii
        return np.array([x + a * np.sin(angle), y + b * np.cos(angle), np.mean(self.arch.z)])


@dataclass(frozen=True)
class Turned:
    """Another shape, turned about a left-right axis: the lower jaw and what hangs on it."""

    shape: "Shape"
    hinge: Sequence[float]  # y, z
    angle: float  # radians, positive opens the mouth

    def box(self) -> Box:
        """Corners of a box around the turned box."""
        low, high = self.shape.box()
        corners = np.array([self._turn(y, z, -self.angle) for y in (low[1], high[1]) for z in (low[2], high[2])])
        return np.array([low[0], *corners.min(0)]), np.array([high[0], *corners.max(0)])

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Signed distance, mm."""
        return self.shape.distance(x, *self._turn(y, z, self.angle))

    def _turn(self, y: Any, z: Any, angle: float) -> tuple[Any, Any]:
        """Rotate about the hinge; plus `angle` takes the open jaw back to the closed one."""
        y, z, cosine, sine = y - self.hinge[0], z - self.hinge[1], np.float32(np.cos(angle)), np.float32(np.sin(angle))
        return y * cosine - z * sine + self.hinge[0], y * sine + z * cosine + self.hinge[1]


def ellipse_distance(axes: Any) -> np.ndarray:
    """Distance from an ellipse or ellipsoid given as (coordinate, centre, radius) per axis."""
    near, slope = np.float32(0), np.float32(0)
    for values, centre, radius in axes:
        square = ((values - np.float32(centre)) * (1 / np.float32(radius))) ** 2
        near = near + square
        slope = slope + square * (1 / np.float32(radius) ** 2)
    near = np.sqrt(near)
    return near * (near - 1) / (np.sqrt(slope) + np.float32(1e-6))


def _capsule(at: Coordinates, start: np.ndarray, end: np.ndarray, first: float, last: float) -> np.ndarray:
    """Distance from the segment `start`-`end` whose radius goes from `first` to `last`."""
    line = end - start
    along = sum((values - s) * step for values, s, step in zip(at, start, line, strict=True)) / max(line @ line, 1e-6)
    along = np.clip(along, 0, 1)
    away = sum((values - (s + along * step)) ** 2 for values, s, step in zip(at, start, line, strict=True))
    return np.sqrt(away) - (np.float32(first) + along * np.float32(last - first))


def smooth_union(first: np.ndarray, second: np.ndarray, blend: float) -> np.ndarray:
    """Union of two solids whose joint is rounded over `blend` mm (polynomial smooth minimum)."""
    overlap = np.maximum(np.float32(blend) - np.abs(first - second), 0)
    return np.minimum(first, second) - overlap * overlap * np.float32(0.25 / blend)


def make_shape(row: Mapping[str, Any], *, side: int = 1) -> Ellipsoid | Tube:
    """Shape of a row of the parameter table; `side` -1 mirrors it in the sagittal plane.

    Raises:
        ValueError: the row names a shape that does not exist.
    """
    flip = (side, 1, 1)
    if row["shape"] == "ellipsoid":
        return Ellipsoid(tuple(c * f for c, f in zip(row["centre"], flip, strict=True)), row["radii"])
    if row["shape"] == "tube":
        points = [tuple(c * f for c, f in zip(point, flip, strict=True)) for point in row["points"]]
        return Tube(points, row["radii"], row.get("stretch", (1.0, 1.0, 1.0)))
    raise ValueError(f"unknown shape {row['shape']!r} in the phantom's table: expected 'ellipsoid' or 'tube'")


def both_sides(row: Mapping[str, Any]) -> list[Ellipsoid | Tube]:
    """The row's shape, and its mirror image where the row asks for one."""
    return [make_shape(row, side=side) for side in ((1, -1) if row.get("mirror") else (1,))]
