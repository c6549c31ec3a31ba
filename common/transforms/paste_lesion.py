"""Copy-paste of real lesions between training cases.

After TumorCP (Yang et al., MICCAI 2021), which pastes a lesion, scaled, turned and mirrored, anywhere in the organ of
another training case, and Soft-CP (Dai et al., 2022), which blends it by a smoothed mask. MONAI 1.6.1 has `CutMix` and
`MixUp`: they mix boxes or whole volumes of a batch, cut lesions in half, paste the air around them, and know neither
place nor HU. Its issue 4201, which asks for copy-paste, has been open since 2022. TorchIO's take one subject.
"""

from typing import Any

import numpy as np
from monai.transforms.utils import create_rotate
from scipy import ndimage

from .add_lesion import AddLesiond, Form, Implant, thinned
from .lesion_cut import Lesion
from .lesion_donors import LesionDonors


class PasteLesiond(AddLesiond):
    """Pastes a lesion of a training case, see `AddLesiond`; a little turned and scaled.

    Args:
        donors: Of training cases.
        rotation: Largest angle about each axis, degrees; drawn from ±.
        **options: See `AddLesiond`.
    """

    def __init__(self, donors: LesionDonors, *, rotation: float = 15, **options: Any) -> None:
        super().__init__(donors, **options)
        self.rotation = rotation

    def form(self, lesion: Lesion) -> Form:
        """The lesion itself, resampled: HU linearly, its mask where the linear share is above a half."""
        angles = self.R.uniform(-self.rotation, self.rotation, 3)
        turned = create_rotate(3, np.radians(angles).tolist())[:3, :3] * self.R.uniform(*self.scale)
        middle = (np.array(lesion.mask.shape) - 1) / 2

        def render(spacing: np.ndarray) -> Implant:
            half = np.ceil(np.abs(turned) @ ((middle + 1) * lesion.spacing) / spacing).astype(int)
            back = np.linalg.inv(turned) * spacing / lesion.spacing[:, None]  # voxels of the host → of the donor
            size, offset = tuple((2 * half + 1).tolist()), middle - back @ half
            share = np.pad(lesion.mask, 1).astype(np.float32)
            share = ndimage.affine_transform(share, back, offset + 1, output_shape=size, order=1)
            hu = ndimage.affine_transform(lesion.hu, back, offset, output_shape=size, order=1, mode="nearest")
            return Implant(share > 0.5, hu - np.float32(lesion.rim), lesion.noise)

        points = (thinned(np.argwhere(lesion.mask)) - middle) * lesion.spacing
        return Form(points @ turned.T, render)
