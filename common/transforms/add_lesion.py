"""A random lesion laid into a scan: what pasted and drawn lesions have in common."""

from abc import abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, RandomizableTransform
from scipy import ndimage

from ..data.lesion_note import LESION_FROM, NO_PLACE
from .lesion_cut import Lesion, noise_of, rim_of, rim_width
from .lesion_donors import LesionDonors
from .lesion_host import Host

_TRUNCATED = 3.0  # standard deviations of the edge
_GRAIN = 0.5  # voxels, standard deviation of what smooths drawn noise


@dataclass(frozen=True)
class Implant:
    """A lesion on the grid of a host, its centre in the middle of an odd number of voxels (h, w, d).

    Attributes:
        mask: Of the lesion.
        relative_hu: HU above the mean of what will lie around it, at any voxel.
        noise: Standard deviation of the noise in these HU; what the host's scan has more is added.
    """

    mask: np.ndarray
    relative_hu: np.ndarray
    noise: float = 0


@dataclass(frozen=True)
class Form:
    """A lesion before it has a place: a sample of its points, (n, 3) mm from its centre, and what makes the implant."""

    points: np.ndarray
    render: Callable[[np.ndarray], Implant]  # of the spacing


class AddLesiond(RandomizableTransform, MapTransform):
    """Lays a lesion into ``image`` and ``label`` (1, H, W, D), with a soft edge, in tissue of its own kind.

    A donor among the training cases says which lesion, of which class, and about where: its place in the body's box is
    looked for in the host's. Places within `Placement.reach` are tried until the lesion lies in soft tissue of the
    donor's HU, clear of air, bone and, unless they may be covered, other lesions. What still reaches out is cut off.
    The HU are those of the host's rim (5 mm of soft tissue around) plus what the lesion differs from its own. Their
    share falls from inside to outside as a Gaussian of `edge` mm and ends after three. Nothing else changes.

    ``lesion_from`` says what was done: an empty text of a draw that was left alone, the donor's case id, or
    ``no place`` where four donors found none; then the case stays as it is. Hosts and donors have one spacing and HU
    window, see `LesionDonors`.

    Args:
        donors: Of training cases.
        prob: Share of the draws that are given a lesion.
        mirror: Share of the lesions that are mirrored and go to the other side of the body.
        scale: Least and greatest factor of the lesion's size.
        edge: Standard deviation of the edge, in mm; 0 is hard.
    """

    def __init__(
        self,
        donors: LesionDonors,
        *,
        prob: float = 0.5,
        mirror: float = 0.5,
        scale: Sequence[float] = (0.8, 1.2),
        edge: float = 1.5,
        donors_tried: int = 4,
        keys: KeysCollection = ("image", "label"),
    ) -> None:
        RandomizableTransform.__init__(self, prob)
        MapTransform.__init__(self, keys)
        self.donors, self.mirror, self.scale, self.edge = donors, mirror, (scale[0], scale[1]), edge
        self.donors_tried = donors_tried

    @abstractmethod
    def form(self, lesion: Lesion) -> Form:
        """What a donor's lesion becomes; draws from ``self.R``."""

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add a lesion to a copy of the item, or leave it alone."""
        self.randomize(None)
        if not self._do_transform:
            return {**data, LESION_FROM: ""}
        changed = {**data, **{key: data[key].clone() for key in self.keys}}
        host = self.donors.host({str(key): value for key, value in changed.items()})
        for _ in range(self.donors_tried):
            lesions = self.donors[self.R.randint(len(self.donors))]
            if not lesions:
                continue
            lesion = lesions[self.R.randint(len(lesions))]
            lesion = lesion.mirrored() if self.R.uniform() < self.mirror else lesion
            if self._lay(self.form(lesion), lesion, host):
                return {**changed, LESION_FROM: lesion.case_id}
        return {**data, LESION_FROM: NO_PLACE}

    def _lay(self, form: Form, lesion: Lesion, host: Host) -> bool:
        """Lay a lesion into the host where that is plausible; whether it was."""
        placement = self.donors.placement
        centre = host.find_site(form.points, place=lesion.place, around=lesion.rim, placement=placement, rng=self.R)
        if centre is None:
            return False
        implant = form.render(host.spacing)
        half = np.array(implant.mask.shape) // 2
        margin = np.ceil(max(rim_width(host.spacing), _TRUNCATED * self.edge) / host.spacing).astype(int)
        first = np.maximum(centre - half - margin, 0)
        last = np.minimum(centre + half + 1 + margin, host.values.shape)
        box = slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2])
        within = np.stack([centre - half - first, last - centre - half - 1], axis=1)  # before and behind the implant
        free, hu = host.free(box, placement.existing), host.hu(box)
        mask = _largest(_fitted(implant.mask, within, mode="constant") & free)
        rim = rim_of(mask, free & (host.label[box] == 0), host.spacing)
        if not mask.any() or not rim.any():
            return False
        target = hu[rim].mean() + _fitted(implant.relative_hu, within, mode="edge")
        more = max(0, noise_of(hu, rim) ** 2 - implant.noise**2) ** 0.5
        target += np.float32(more) * _noise(self.R, hu.shape)
        share = ndimage.gaussian_filter(mask.astype(np.float32), self.edge / host.spacing, truncate=_TRUNCATED) * free
        host.set_hu(box, hu + share * (target - hu), share > 0)
        host.label[box][mask] = lesion.label
        return True


def thinned(points: np.ndarray, most: int = 800) -> np.ndarray:
    """Every n-th of the points (n, 3), so that about `most` are left."""
    return points[:: max(1, len(points) // most)]


def _noise(rng: np.random.RandomState, shape: tuple[int, ...]) -> np.ndarray:
    """Noise as a scan's, which neighbours share, of the standard deviation 1 as `noise_of` measures it."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape).astype(np.float32), _GRAIN, truncate=3)
    return noise / np.float32(noise_of(noise, np.ones(shape, bool)))


def _fitted(volume: np.ndarray, within: np.ndarray, *, mode: Literal["constant", "edge"]) -> np.ndarray:
    """`volume` with as many voxels more at each end as `within` says, or fewer where it is negative."""
    cut = tuple(slice(max(0, -a), n - max(0, -b)) for (a, b), n in zip(within.tolist(), volume.shape, strict=True))
    return np.pad(volume[cut], np.maximum(within, 0), mode=mode)


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest connected part: bone and air may cut pieces off."""
    parts, count = ndimage.label(mask)
    return parts == 1 + np.argmax(np.bincount(parts.ravel())[1:]) if count > 1 else mask
