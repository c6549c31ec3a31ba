"""What the scanner makes of a patient: field of view, table, streaks, kernel, noise, unscanned corners."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from .canvas import Canvas, Grid, Tissue
from .shapes import Ellipsoid

Parameters = Mapping[str, Any]


def scan_grid(centre: Mapping[str, Any], size: Sequence[int], middle: Sequence[float]) -> Grid:
    """Voxels of a centre's scan: its field of view and extent, cut into `size` voxels around `middle` (mm)."""
    spacing = [length / n for length, n in zip((centre["field"], centre["field"], centre["extent"]), size, strict=True)]
    origin = [m - s * (n - 1) / 2 for m, s, n in zip(middle, spacing, size, strict=True)]
    return Grid(tuple(size), tuple(spacing), tuple(origin))


def scan(
    rng: np.random.Generator,
    canvas: Canvas,
    fillings: Sequence[np.ndarray],
    centre: Mapping[str, Any],
    parameters: Parameters,
) -> np.ndarray:
    """Image of the canvas as the centre's scanner gives it.

    Args:
        rng: source of noise and streaks.
        canvas: the patient, with `depth`.
        fillings: patient-frame centres of the metal, mm.
        centre: row of `parameters["centres"]`.
        parameters: the whole table.

    Returns:
        int16 HU of the canvas's grid, from the centre's padding value to its maximum.
    """
    settings = parameters["scanner"]
    _paint_table(canvas, parameters["tables"][centre["table"]])
    radius = parameters["teeth"]["filling"]
    metal = Tissue(**parameters["tissues"]["metal"])
    for place in fillings:
        canvas.paint(Ellipsoid(place, (radius, radius, radius)), metal)
    sharp = np.minimum(canvas.hu, centre["top"])
    image = canvas.pool(_apply_kernel(sharp, canvas.steps, centre["kernel"], settings["boost"]))
    at = np.meshgrid(*canvas.grid.axes(), indexing="ij", sparse=True)
    inside = np.maximum(canvas.pool(canvas.depth < 0), np.float32(settings["air"]))
    for source in _scan_positions(canvas, fillings):
        image += inside * _streaks(rng, at, source, settings["streaks"])
    image += inside * centre["noise"] * _noise(rng, canvas.grid.size, at[2], settings)
    image = np.clip(image, -1024, centre["top"])
    return _pad_corners(image, canvas.grid, centre["pad"], settings["circle"]).round().astype(np.int16)


def _paint_table(canvas: Canvas, table: Mapping[str, Any]) -> None:
    """A hollow slab behind the patient, in the scanner's frame; `curve` is the radius of its upper face, 0 for flat."""
    x, y = canvas.axes[0][:, None, None], canvas.axes[1][None, :, None]
    behind = np.flatnonzero((canvas.depth < 0).any((0, 2)))
    top = (canvas.axes[1][behind[0]] if behind.size else canvas.axes[1][0]) - table["gap"]
    rise = np.minimum(x**2 / (2 * table["curve"]), table["rise"]) if table["curve"] else np.zeros_like(x)
    slab = np.abs(y - (top + rise - table["thickness"] / 2)) - table["thickness"] / 2
    outside = np.where(canvas.depth > canvas.edge, slab, np.float32(canvas.edge)).astype(np.float32)
    canvas.blend(canvas.everywhere, outside, Tissue(table["shell"]))
    canvas.blend(canvas.everywhere, outside + np.float32(table["wall"]), Tissue(table["core"]))


def _apply_kernel(image: np.ndarray, steps: Sequence[float], kernel: float, boost: float) -> np.ndarray:
    """Blur of `kernel` mm in the plane; a negative one adds `boost` times the edges of that width."""
    blurred = ndimage.gaussian_filter(image, [abs(kernel) / steps[0], abs(kernel) / steps[1], 0])
    return blurred if kernel > 0 else image + np.float32(boost) * (image - blurred)


def _scan_positions(canvas: Canvas, places: Sequence[np.ndarray]) -> list[list[float]]:
    """Scanner-frame positions (mm) of patient-frame points, of those inside the scan."""
    found = []
    for place in places:
        where = canvas.box(place - 4, place + 4)
        if all(s.stop > s.start for s in where):
            away = sum((values - p) ** 2 for values, p in zip(canvas.at(where), place, strict=True))
            index = np.unravel_index(np.argmin(away), away.shape)
            found.append([float(axis[s.start + i]) for axis, s, i in zip(canvas.axes, where, index, strict=True)])
    return found


def _streaks(
    rng: np.random.Generator, at: Sequence[np.ndarray], place: Sequence[float], settings: Mapping[str, Any]
) -> np.ndarray:
    """Rays out of one piece of metal, bright and dark, in the slices around it."""
    x, y, z = (values - p for values, p in zip(at, place, strict=True))
    knots = rng.standard_normal(settings["rays"])
    angle = (np.arctan2(y, x) / (2 * np.pi) + 0.5) * settings["rays"]
    rays = np.interp(angle, np.arange(settings["rays"] + 1), [*knots, knots[0]])
    fade = np.exp(-np.hypot(x, y) / settings["reach"]) * np.exp(-0.5 * (z / settings["height"]) ** 2)
    return (settings["hu"] * rays * fade).astype(np.float32)


def _noise(rng: np.random.Generator, size: Sequence[int], z: np.ndarray, settings: Mapping[str, Any]) -> np.ndarray:
    """Correlated noise of unit standard deviation, and streaks along x where the shoulders starve the detector."""
    shoulders = settings["shoulders"]
    quantum, starved = _grain(rng, size, settings["grain"]), _grain(rng, size, shoulders["grain"])
    low = np.clip((shoulders["z"] - z) / shoulders["run"], 0, 1)
    return quantum + (shoulders["factor"] * low).astype(np.float32) * starved


def _grain(rng: np.random.Generator, size: Sequence[int], sigma: Sequence[float]) -> np.ndarray:
    """White noise, blurred by `sigma` voxels, of unit standard deviation."""
    blurred = ndimage.gaussian_filter(rng.standard_normal(size, dtype=np.float32), sigma, mode="wrap")
    return blurred / blurred.std()


def _pad_corners(image: np.ndarray, grid: Grid, pad: float, circle: float) -> np.ndarray:
    """Fill what lies outside the scanned circle with the scanner's padding value."""
    x, y, _ = (axis - axis.mean() for axis in grid.axes())
    outside = np.hypot(x[:, None], y[None]) > circle * grid.size[0] * grid.spacing[0]
    return np.where(outside[:, :, None], np.float32(pad), image)
