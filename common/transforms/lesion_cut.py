"""Lesions cut out of a scan: what is pasted elsewhere, and what drawn lesions are made like."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from .lesion_host import Box, Host

_RIM = 5.0  # mm
_TEXTURE = 2.0  # mm, standard deviation that takes the noise away
_EDGE = 3.0  # mm of a lesion that its surroundings shine into


@dataclass(frozen=True)
class Lesion:
    """A connected part of one class, on the grid of its scan.

    Attributes:
        case_id: Of the donor.
        label: Its class.
        mask: (h, w, d) bool, with nothing around it.
        hu: (h, w, d) float32; outside of the mask the lesion's nearest voxel, so that a soft edge shows lesion alone.
        spacing: In mm, (3,).
        place: Its centre as a fraction of the body's box, (3,).
        rim: Mean HU of the soft tissue around it.
    """

    case_id: str
    label: int
    mask: np.ndarray
    hu: np.ndarray
    spacing: np.ndarray
    place: np.ndarray
    rim: float

    @property
    def volume(self) -> float:
        """In mm³."""
        return float(self.mask.sum() * np.prod(self.spacing))

    @property
    def contrast(self) -> float:
        """Mean HU inside minus that of the rim."""
        return float(self.hu[self.mask].mean()) - self.rim

    @property
    def spread(self) -> float:
        """Standard deviation of its HU that is neither noise of the scan nor a blurred edge."""
        smooth = ndimage.gaussian_filter(self.hu, _TEXTURE / self.spacing, truncate=3)
        depth = ndimage.distance_transform_edt(np.pad(self.mask, 1), sampling=self.spacing)[1:-1, 1:-1, 1:-1]
        inner = smooth[depth > min(_EDGE, float(depth.max()) / 2)]
        low, high = np.percentile(inner, (16, 84))
        return float(high - low) / 2

    @property
    def noise(self) -> float:
        """Standard deviation of its noise, see `noise_of`."""
        return noise_of(self.hu, self.mask)

    def mirrored(self) -> "Lesion":
        """The lesion on the other side of the body."""
        place = self.place * [-1, 1, 1] + [1, 0, 0]
        return replace(self, mask=self.mask[::-1], hu=self.hu[::-1], place=place)


def cut_lesions(host: Host, *, case_id: str, least: float = 500) -> list[Lesion]:
    """Lesions of a scan that others can take: the soft tissue of each connected part of each class.

    Parts below `least` mm³ of soft tissue, those with none around them, and those that the scan cuts off are passed
    over.
    """
    lesions = []
    for label in np.unique(host.label[host.label > 0]).tolist():
        parts, _ = ndimage.label(host.label == label)
        for number, box in enumerate(ndimage.find_objects(parts), start=1):
            if any(side.start == 0 or side.stop == end for side, end in zip(box, host.values.shape, strict=True)):
                continue
            margin = np.ceil(rim_width(host.spacing) / host.spacing).astype(int) + 1
            wide = _widened(box, margin, host.values.shape)
            soft, hu = host.soft(wide), host.hu(wide)
            mask = (parts[wide] == number) & soft
            rim = rim_of(mask, soft & (host.label[wide] == 0), host.spacing)
            if mask.sum() * np.prod(host.spacing) < least or not rim.any():
                continue
            tight = ndimage.find_objects(mask.astype(np.uint8))[0]
            nearest = ndimage.distance_transform_edt(
                ~mask[tight], sampling=host.spacing, return_distances=False, return_indices=True
            )
            centre = np.argwhere(mask).mean(0) + [side.start for side in wide]
            place, mean = host.fraction(centre), float(hu[rim].mean())
            inside = hu[tight][tuple(nearest)]
            lesions.append(Lesion(case_id, int(label), mask[tight], inside, host.spacing, place, mean))
    return lesions


def rim_width(spacing: np.ndarray) -> float:
    """Of the tissue around a lesion whose mean HU is matched: 5 mm, and one voxel at the least."""
    return max(_RIM, float(spacing.max()))


def rim_of(mask: np.ndarray, tissue: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Voxels of `tissue` outside of `mask` and within `rim_width` of it."""
    return tissue & ~mask & (ndimage.distance_transform_edt(~mask, sampling=spacing) <= rim_width(spacing))


def noise_of(hu: np.ndarray, tissue: np.ndarray) -> float:
    """Standard deviation of the noise in `tissue`: of what a Gaussian of one voxel takes away, where that is little.

    Edges are no noise: the smallest quarter of the differences is taken for that of a normal distribution.
    """
    taken = np.abs(hu - ndimage.gaussian_filter(hu, 1, truncate=3))[tissue]
    return float(np.percentile(taken, 25)) / 0.3186


def _widened(box: tuple[slice, ...], margin: np.ndarray, size: tuple[int, ...]) -> Box:
    x, y, z = (
        slice(max(0, side.start - more), min(end, side.stop + more))
        for side, more, end in zip(box, margin.tolist(), size, strict=True)
    )
    return x, y, z
