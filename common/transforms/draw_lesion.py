"""Drawn lesions in real scans.

After SynTumor (Hu et al., CVPR 2023), which draws ellipsoids, bends them, fills them with smoothed noise of tumours' HU
and blurs their edge. The shapes here are the lobulated ones of our phantom. MONAI has no such transform. TorchIO has
none either: its `RandomLabelsToImage` fills the labels of a whole volume with noise, and draws no shape.
"""

import numpy as np

from ..phantom.fields import smooth_field
from ..phantom.lesions import draw_blob
from .add_lesion import AddLesiond, Form, Implant, thinned
from .lesion_cut import Lesion

FORM = {  # of the phantom's tumours (common/phantom/parameters.yaml), also with fewer lobes, as its nodes have
    "lobes": (1, 6),
    "trunk": (0.7, 0.9),
    "lobe": (0.5, 0.75),
    "spread": 0.6,
    "roughness": 0.16,
}
_COARSE = 8  # voxels from the centre to the border of the grid on which a site is looked for
_PITCH = 8.0  # mm, between the knots of the coarse texture


class DrawLesiond(AddLesiond):
    """Draws a lesion of random form; volume, place, class, contrast and spread are a donor's, see `AddLesiond`.

    So sizes and HU differences are spread as those of the training lesions are, inside against rim.
    """

    def form(self, lesion: Lesion) -> Form:
        """A lobulated solid of the lesion's volume, scaled, filled with texture around the lesion's mean."""
        rng = np.random.default_rng(self.R.randint(2**31))
        volume = lesion.volume * self.R.uniform(*self.scale) ** 3
        blob = draw_blob(rng, FORM, np.zeros(3), (3 * volume / 4 / np.pi) ** (1 / 3))
        reach = 1.2 * np.max(np.abs(blob.box()), axis=0)

        def solid(spacing: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
            """Mask of as many voxels as the volume asks for, and the axes of its grid, in mm."""
            half = np.ceil(reach / spacing).astype(int).tolist()
            axes = [
                np.arange(-n, n + 1, dtype=np.float32) * np.float32(mm) for n, mm in zip(half, spacing, strict=True)
            ]
            x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
            distance = blob.distance(x, y, z)
            count = max(1, round(volume / float(np.prod(spacing))))
            return distance <= np.partition(distance.ravel(), count - 1)[count - 1], axes

        def render(spacing: np.ndarray) -> Implant:
            mask, axes = solid(spacing)
            texture = np.float32(lesion.spread) * smooth_field(rng, axes, _PITCH)
            return Implant(mask, np.float32(lesion.contrast) + texture)

        mask, axes = solid(reach / _COARSE)
        points = np.stack([axis[index] for axis, index in zip(axes, np.nonzero(mask), strict=True)], axis=1)
        return Form(thinned(points), render)
