"""Draws the ground truth: one lobulated primary tumour at the airway and the nodes along the neck."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from scipy import ndimage

from .canvas import Canvas, Slices, Tissue
from .shapes import Box, Ellipsoid, smooth_union

AIR = -300  # HU below which a sample is air
WAVES = 3  # on the surface of a lesion, in random directions


@dataclass(frozen=True)
class Blob:
    """Lobulated solid: overlapping spheres, joined smoothly, with a wavy surface."""

    spheres: Sequence[Ellipsoid]
    blend: float
    waves: np.ndarray  # (n, 4): wave vector in rad/mm and phase
    roughness: float  # amplitude of each wave, mm

    def box(self) -> Box:
        """Corners of the bounding box."""
        boxes, margin = [sphere.box() for sphere in self.spheres], self.roughness * len(self.waves) + self.blend / 4
        return np.min([b[0] for b in boxes], 0) - margin, np.max([b[1] for b in boxes], 0) + margin

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Signed distance, mm."""
        distances = [sphere.distance(x, y, z) for sphere in self.spheres]
        body = reduce(lambda a, b: smooth_union(a, b, self.blend), distances)
        phases = (a * x + b * y + c * z + phase for a, b, c, phase in self.waves.astype(np.float32))
        return body + np.float32(self.roughness) * sum(np.sin(phase) for phase in phases)


@dataclass(frozen=True)
class Lesion:
    """A blob, its tissue, and the HU of its dead core where it has one."""

    blob: Blob
    tissue: Tissue
    core: float | None
    rim: float  # mm of living tissue around the core


def draw_lesions(rng: np.random.Generator, table: Mapping[str, Any], muscle: float) -> tuple[Lesion, list[Lesion]]:
    """One tumour and 0-4 nodes, in patient-frame mm, no two nodes at the same site and side."""
    tumour = _draw(rng, table["tumour"], _choose_sites(rng, table["tumour"], 1)[0], muscle)
    count = int(rng.choice(len(table["nodes"]["count"]), p=table["nodes"]["count"]))
    places = _choose_sites(rng, table["nodes"], count)
    return tumour, [_draw(rng, table["nodes"], place, muscle) for place in places]


def _choose_sites(rng: np.random.Generator, kind: Mapping[str, Any], count: int) -> np.ndarray:
    """(count, 3) centres, drawn by weight without repetition."""
    rows = [(site, side) for site in kind["sites"].values() for side in ((1, -1) if site["mirror"] else (1,))]
    weights = np.array([site["weight"] for site, _ in rows])
    chosen = rng.choice(len(rows), size=count, replace=False, p=weights / weights.sum())
    centres = [np.multiply(rows[i][0]["centre"], (rows[i][1], 1, 1)) for i in chosen]
    return np.reshape(centres, (count, 3)) + kind["jitter"] * rng.standard_normal((count, 3))


def _draw(rng: np.random.Generator, kind: Mapping[str, Any], centre: np.ndarray, muscle: float) -> Lesion:
    """Lesion of random size, form and contrast around `centre`."""
    radius = rng.uniform(*kind["radius"])
    blob = draw_blob(rng, kind, centre, radius)
    necrosis = kind["necrosis"]
    dead = rng.random() < necrosis["share"] and radius > necrosis["radius"]
    tissue = Tissue(muscle + rng.uniform(*kind["enhancement"]), kind["grain"])
    return Lesion(blob, tissue, necrosis["hu"] if dead else None, necrosis["rim"] * radius)


def draw_blob(rng: np.random.Generator, kind: Mapping[str, Any], centre: np.ndarray, radius: float) -> Blob:
    """Random form of about `radius` mm around `centre`; `kind` has `lobes`, `lobe`, `trunk`, `spread`, `roughness`."""
    lobes = int(rng.integers(kind["lobes"][0], kind["lobes"][1] + 1))
    away = rng.standard_normal((lobes, 3)) * kind["spread"] * radius / np.sqrt(3)
    away[0] = 0
    (lobe_low, lobe_high), (trunk_low, trunk_high) = kind["lobe"], kind["trunk"]
    sizes = radius * rng.uniform(lobe_low, lobe_high, (lobes, 3))
    sizes[0] = radius * rng.uniform(trunk_low, trunk_high, 3)
    spheres = [Ellipsoid(centre + a, s) for a, s in zip(away, sizes, strict=True)]
    waves = np.column_stack([rng.standard_normal((WAVES, 3)) * 3 / radius, rng.uniform(0, 2 * np.pi, WAVES)])
    return Blob(spheres, radius / 2, waves, kind["roughness"] * radius / WAVES)


def paint_lesions(canvas: Canvas, tumour: Lesion, nodes: Sequence[Lesion], table: Mapping[str, Any]) -> np.ndarray:
    """Paint all lesions, the tumour last; return the fine labels (uint8: 0, 1 tumour, 2 node)."""
    labels = np.zeros(canvas.hu.shape, np.uint8)
    for lesion, value in [*((node, 2) for node in nodes), (tumour, 1)]:
        where = canvas.box(*lesion.blob.box())
        if any(s.stop <= s.start for s in where):
            continue
        inside = _free_distance(canvas, lesion, where, table)
        canvas.blend(where, inside, lesion.tissue)
        if lesion.core is not None:
            canvas.blend(where, inside + np.float32(lesion.rim), Tissue(lesion.core, lesion.tissue.texture / 2))
        labels[where][inside < 0] = value
    return labels


def _free_distance(canvas: Canvas, lesion: Lesion, where: Slices, table: Mapping[str, Any]) -> np.ndarray:
    """Distance to the lesion where tissue gives way: not in bone, not at the skin, a rim only of the airway."""
    inside = lesion.blob.distance(*canvas.at(where))
    lumen = ndimage.distance_transform_edt(canvas.hu[where] < AIR, sampling=canvas.steps)
    closed = (canvas.hu[where] > table["bone"]) | (canvas.depth[where] > -table["depth"])
    inside = np.where(closed | (lumen > table["protrusion"]), np.float32(canvas.edge), inside)
    parts, count = ndimage.label(inside < 0)
    if count > 1:  # keep what hangs together: bone may cut off a piece behind it
        largest = 1 + np.argmax(np.bincount(parts.ravel())[1:])
        inside = np.where((inside < 0) & (parts != largest), np.float32(canvas.edge), inside)
    return inside


def voxel_labels(canvas: Canvas, fine: np.ndarray, bone: float) -> np.ndarray:
    """Labels of the scan's voxels (uint8): a lesion owns at least half, and bone and air at most a quarter each.

    A tumour too small for that on a coarse grid keeps the voxel it fills most.

    Raises:
        ValueError: the tumour lies outside the scan.
    """
    labels = np.zeros(canvas.grid.size, np.uint8)
    free = (canvas.pool(canvas.hu > bone) < 0.25) & (canvas.pool(canvas.hu < AIR) < 0.25)
    node, tumour = (canvas.pool(fine == value) for value in (2, 1))
    labels[(node >= 0.5) & free] = 2
    labels[(tumour >= 0.5) & free] = 1
    if not tumour.any():
        raise ValueError("the phantom's tumour lies outside the scan: enlarge `field`, `extent` or mend its site")
    if not (labels == 1).any():
        labels[np.unravel_index(np.argmax(tumour), labels.shape)] = 1
    return labels
