"""Random resolution, blur, contrast, brightness and noise of an image."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from monai.networks.layers import gaussian_1d
from monai.transforms import MapTransform, Randomizable
from scipy.ndimage import correlate1d
from torch import Tensor


@dataclass
class Intensity:
    """Parameters of one draw; None leaves the step out.

    Attributes:
        zoom: Share of the voxels along each axis that resolution is brought down to, and back.
        sigmas: Of the blur along each axis, voxels.
        gain: The image is multiplied by 1 + gain.
        offset: Added to the image.
        noise: Added to the image, as large as it.
    """

    zoom: float | None = None
    sigmas: tuple[float, ...] | None = None
    gain: float | None = None
    offset: float | None = None
    noise: np.ndarray | None = field(default=None, repr=False)


class RandIntensityd(Randomizable, MapTransform):
    """Each of five changes of an image with a probability of its own, one after the other.

    What MONAI's `RandSimulateLowResolutiond`, `RandGaussianSmoothd`, `RandScaleIntensityd`, `RandShiftIntensityd` and
    `RandGaussianNoised` draw and do, in this order, on a plain tensor and without copies between them. Each is given as
    its probability and its range.

    Args:
        keys: Image (1, H, W, D).
        low_resolution: Probability, and smallest and largest zoom.
        smooth: Probability, and smallest and largest standard deviation of the blur, voxels; drawn for each axis.
        scale: Probability, and largest factor; drawn from ±.
        shift: Probability, and largest offset; drawn from ±.
        noise: Probability, and largest standard deviation; drawn from 0 to it.
    """

    def __init__(
        self,
        keys: str,
        *,
        low_resolution: Sequence[float],
        smooth: Sequence[float],
        scale: Sequence[float],
        shift: Sequence[float],
        noise: Sequence[float],
    ) -> None:
        MapTransform.__init__(self, keys)
        self.low_resolution = tuple(low_resolution)
        self.smooth = tuple(smooth)
        self.scale = tuple(scale)
        self.shift = tuple(shift)
        self.noise = tuple(noise)

    def draw(self, data: Tensor) -> Intensity:
        """Parameters of a draw for an image."""
        drawn, uniform = Intensity(), self.R.uniform
        prob, low, high = self.low_resolution
        if self.R.rand() < prob:
            drawn.zoom = uniform(low, high)
        prob, low, high = self.smooth
        if self.R.rand() < prob:
            drawn.sigmas = tuple(uniform(low, high) for _ in data.shape[1:])
        prob, largest = self.scale
        if self.R.rand() < prob:
            drawn.gain = uniform(-largest, largest)
        prob, largest = self.shift
        if self.R.rand() < prob:
            drawn.offset = uniform(-largest, largest)
        prob, largest = self.noise
        if self.R.rand() < prob:
            std, seed = uniform(0, largest), self.R.randint(2**32, dtype=np.uint32)
            normal = np.random.default_rng(seed).standard_normal(tuple(data.shape), dtype=np.float32)
            drawn.noise = np.multiply(normal, np.float32(std), out=normal)  # thrice as fast as in float64
        return drawn

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """The item with its image changed."""
        item = dict(data)
        for key in self.key_iterator(item):
            image = item[key].as_subclass(Tensor)
            item[key] = changed(image, self.draw(image))
        return item


def changed(image: Tensor, drawn: Intensity) -> Tensor:
    """The image (1, H, W, D) with the changes of a draw; itself where there are none."""
    if drawn.zoom is not None:
        image = at_resolution(image, drawn.zoom)
    if drawn.sigmas is not None:
        image = blurred(image, drawn.sigmas)
    if drawn.gain is not None:
        image = image * (1 + drawn.gain)
    if drawn.offset is not None:
        image = image + drawn.offset
    return image if drawn.noise is None else image + torch.from_numpy(drawn.noise)


def at_resolution(image: Tensor, zoom: float) -> Tensor:
    """The image (1, H, W, D) brought to a share of its voxels along each axis, and back (nnU-Net)."""
    size = image.shape[1:]
    coarse = F.interpolate(image[None], size=[max(1, round(voxels * zoom)) for voxels in size])
    return F.interpolate(coarse, size=size, mode="trilinear")[0]


def blurred(image: Tensor, sigmas: Sequence[float]) -> Tensor:
    """The image (1, H, W, D) behind a Gaussian blur of a standard deviation for each axis; zeros around, as MONAI."""
    volume = image.numpy()
    for axis, sigma in enumerate(sigmas, start=1):
        kernel = gaussian_1d(torch.tensor(sigma), truncated=4.0).numpy()
        volume = correlate1d(volume, kernel, axis=axis, mode="constant")
    return torch.from_numpy(volume)
