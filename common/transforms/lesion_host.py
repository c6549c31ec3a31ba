"""A scan that is given a lesion: where it has body, soft tissue and lesions already, and where another one fits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from monai.data import MetaTensor
from scipy import ndimage

from .body_mask import BodyMask

Box = tuple[slice, slice, slice]
Existing = Literal["spared", "covered"]
_GRID = 6.0  # mm, of the body
_SMOOTH = 1.5  # mm, standard deviation: a voxel is judged with its neighbours, for noise is neither air nor bone
_SITE_GRID = 3.0  # mm, on which sites are judged
_SITES = 64  # that are judged


@dataclass(frozen=True, kw_only=True)
class Placement:
    """How far from its donor's place a lesion may lie, and what it must find there.

    Attributes:
        tissue: HU between which tissue is soft: below fat's, above contrast's, not yet bone's.
        reach: Largest distance from the place that corresponds to the donor's, in mm.
        fit: Share of the lesion that must lie in free soft tissue of the body; the rest is cut off.
        tolerance: Largest difference of the mean HU there from that around the donor's lesion.
        existing: Whether lesions that are there are spared or may be covered.
    """

    tissue: tuple[float, float] = (-200, 250)
    reach: float = 30
    fit: float = 0.9
    tolerance: float = 60
    existing: Existing = "spared"


class Host:
    """Image and mask, of which lesions are cut out or into which they are laid.

    Args:
        values: Image (H, W, D).
        label: Classes of the same shape.
        spacing: In mm.
        hu_window: HU that are -1 and 1 in `values`; None where these are HU.
        tissue: See `Placement`.
    """

    def __init__(
        self,
        values: np.ndarray,
        label: np.ndarray,
        *,
        spacing: Sequence[float] | np.ndarray,
        hu_window: Sequence[float] | None,
        tissue: Sequence[float],
    ) -> None:
        self.values, self.label, self.tissue, self.window = values, label, tissue, hu_window
        self.spacing = np.asarray(spacing, dtype=float)
        self._stride = np.maximum(1, _GRID / self.spacing).astype(int)
        coarse = self._to_hu(values[tuple(slice(None, None, step) for step in self._stride)])
        affine = torch.as_tensor(np.diag([*(self.spacing * self._stride), 1.0]))
        threshold = max(-300.0, float(coarse.min()) + 1)  # air ends where the window begins
        volume = MetaTensor(torch.from_numpy(coarse)[None], affine=affine)
        body = BodyMask(threshold, grid=_GRID)(volume)[0].numpy()
        self._body = body if body.any() else np.ones_like(body)
        first, last = np.array([(s.start, s.stop) for s in ndimage.find_objects(self._body.astype(np.uint8))[0]]).T
        self.body_box = first * self._stride, np.minimum(last * self._stride, values.shape)

    def _to_hu(self, values: np.ndarray) -> np.ndarray:
        values = np.ascontiguousarray(values, dtype=np.float32)
        if self.window is None:
            return values
        low, high = self.window
        return (values + 1) * np.float32((high - low) / 2) + np.float32(low)

    def hu(self, box: Box) -> np.ndarray:
        """HU in `box`, float32."""
        return self._to_hu(self.values[box])

    def set_hu(self, box: Box, hu: np.ndarray, where: np.ndarray) -> None:
        """Change the image in `box` to `hu` there where `where` is true, and nowhere else."""
        low, high = self.window or (-1.0, 1.0)
        values = hu if self.window is None else ((hu - low) * (2 / (high - low)) - 1).clip(-1, 1)
        self.values[box][where] = values[where]

    def fraction(self, voxel: np.ndarray) -> np.ndarray:
        """Place of a voxel as a fraction of the body's box, from left, back and feet."""
        first, last = self.body_box
        return (voxel + 0.5 - first) / (last - first)

    def soft(self, box: Box, stride: Sequence[int] = (1, 1, 1)) -> np.ndarray:
        """Where `box` holds soft tissue of the body, and no border of air or bone; every `stride`-th voxel."""
        x, y, z = (slice(side.start, side.stop, step) for side, step in zip(box, stride, strict=True))
        low, high = self.tissue
        axes = [np.arange(s.start, s.stop, s.step) // step for s, step in zip((x, y, z), self._stride, strict=True)]
        hu = self.hu((x, y, z))
        smooth = ndimage.gaussian_filter(hu, _SMOOTH / (self.spacing * stride), truncate=3)
        soft = self._body[np.ix_(*axes)] & (smooth > low) & (smooth < high)
        bottom, top = self.window or (
            -np.inf,
            np.inf,
        )  # one that ends within tissue's HU shows air and bone as its ends
        soft &= (hu > bottom + 1) if bottom >= low else True
        return soft & (hu < top - 1) if top <= high else soft

    def free(self, box: Box, existing: Existing, stride: Sequence[int] = (1, 1, 1)) -> np.ndarray:
        """Where soft tissue of `box` may become lesion; every `stride`-th voxel."""
        soft = self.soft(box, stride)
        taken = self.label[box][tuple(slice(None, None, step) for step in stride)] > 0
        return soft & ~taken if existing == "spared" else soft

    def find_site(
        self, points: np.ndarray, *, place: np.ndarray, around: float, placement: Placement, rng: np.random.RandomState
    ) -> np.ndarray | None:
        """Voxel at which the centre of a lesion lies plausibly; None where none is found.

        Args:
            points: Of the lesion, (n, 3) in mm from its centre; those of a plausible site are inside the volume.
            place: Fraction of the body's box where the centre would lie as in the donor.
            around: Mean HU that is looked for.
            placement: What is plausible.
            rng: Of the sites that are judged; the first plausible one is taken.
        """
        first, last = self.body_box
        target = first + place * (last - first) - 0.5
        direction = rng.normal(size=(_SITES, 3))
        distance = placement.reach * rng.uniform(size=(_SITES, 1)) ** (1 / 3)  # uniform in the ball
        moved = direction / np.linalg.norm(direction, axis=1, keepdims=True) * distance / self.spacing
        centres = np.rint(target + moved).astype(int)
        voxels = centres[:, None] + np.rint(points / self.spacing).astype(int)  # (sites, points, 3)
        inside = ((voxels >= 0) & (voxels < self.values.shape)).all((1, 2))
        if not inside.any():
            return None
        centres, voxels = centres[inside], voxels[inside]
        low, high = voxels.min((0, 1)), voxels.max((0, 1)) + 1
        box = slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])
        stride = np.maximum(1, np.rint(_SITE_GRID / self.spacing)).astype(int)
        index = tuple(np.moveaxis((voxels - low) // stride, -1, 0))
        free = self.free(box, placement.existing, stride.tolist())[index]
        hu = self.hu(box)[tuple(slice(None, None, step) for step in stride)][index]
        mean = (hu * free).sum(1) / np.maximum(free.sum(1), 1)
        good = (free.mean(1) >= placement.fit) & (np.abs(mean - around) <= placement.tolerance)
        return centres[np.argmax(good)] if good.any() else None
