"""How alike the volumes of one set are: MS-SSIM between random pairs."""

from collections.abc import Sequence
from itertools import islice
from typing import Any, Protocol

import numpy as np
import torch
from torch.nn import functional as F

from ..transforms.axis_product import product_along

KERNEL = 7  # voxels; the usual 11 fits one scale less into 32 slices
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of Wang 2003, finest scale first


class Volumes(Protocol):
    """Volumes (1, H, W, D) that are loaded when asked for; a list of them will do."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


def multi_scale_ssim(
    volumes: Volumes, *, pairs: int = 100, data_range: tuple[float, float] = (0, 1), seed: int = 0
) -> np.ndarray:
    """MS-SSIM of random pairs of distinct volumes; its mean is high where a generator repeats itself.

    As many scales as the smallest axis allows for a Gaussian of 7³ voxels (see `scale_weights`): 3 at 64×64×32, 4 at
    128×128×64, 5 at 256×256×128. Values compare only between volumes of one size; read them beside the real set's own.

    Args:
        volumes: Items (1, H, W, D), loaded on demand; two of them are in memory at a time.
        pairs: At most so many. None comes twice, and no volume does before each had its turn: up to N / 2 values are
            independent, so that a bootstrap over them is an interval.
        data_range: Values that become 0 and 1; what lies outside is cut.
        seed: Of the pairs, which depend on it and on the number of volumes alone.

    Returns:
        (pairs,), each 0 to 1; 1 for equal volumes.

    Raises:
        ValueError: Fewer than two volumes, other shapes, NaN, or too small for one scale.

    Wang et al. 2003, Asilomar 37; Odena et al. 2017, arXiv 1610.09585, on its use for diversity.
    """
    low, high = data_range
    if not low < high:
        raise ValueError(f"data_range is {data_range}, expected (low, high) with low < high")
    values = []
    for pair in random_pairs(len(volumes), pairs=pairs, seed=seed):
        first, second = (_load(volumes, i, low, high) for i in pair)
        if first.shape != second.shape:
            raise ValueError(f"volumes differ in shape, {tuple(first.shape[2:])} and {tuple(second.shape[2:])}")
        values.append(_of_pair(first[0, 0], second[0, 0], scale_weights(first.shape[2:])))
    return np.array(values)


def _of_pair(first: torch.Tensor, second: torch.Tensor, weights: Sequence[float]) -> float:
    """As MONAI's `MultiScaleSSIMMetric`, whose Gaussian has 343 weights a voxel: here 7 along each axis.

    Args:
        first: (H, W, D) in 0 to 1.
        second: The same.
        weights: Of the scales.
    """
    luminance, contrast = 0.01**2, 0.03**2  # the stability constants
    factors = []
    for scale in range(len(weights)):
        maps = torch.stack([first, second, first * first, second * second, first * second])
        for axis in range(3):
            maps = product_along(maps, _gaussian(maps.shape[axis + 1]), axis)
        x, y, xx, yy, xy = maps
        similar = (2 * (xy - x * y) + contrast) / (xx - x * x + yy - y * y + contrast)
        if scale == len(weights) - 1:
            similar *= (2 * x * y + luminance) / (x * x + y * y + luminance)
        factors.append(similar.mean().relu())
        first, second = F.avg_pool3d(torch.stack([first, second]), 2)
    return float(torch.stack(factors).pow(torch.tensor(weights)).prod())


def _gaussian(size: int) -> torch.Tensor:
    """Weights (size - 6, size) of a Gaussian of 7 voxels and σ 1.5, where all of it lies inside."""
    weights = torch.exp(-((torch.arange(KERNEL) - KERNEL // 2) ** 2) / (2 * 1.5**2))
    return F.conv1d(torch.eye(size)[:, None], (weights / weights.sum())[None, None])[:, 0].T


def random_pairs(count: int, *, pairs: int, seed: int = 0) -> list[tuple[int, int]]:
    """At most ``pairs`` distinct pairs of ``count`` items: neighbours on a ring of random order, then wider chords.

    Raises:
        ValueError: Fewer than two items, or no pair wanted.
    """
    if count < 2 or pairs < 1:
        raise ValueError(f"{pairs} pairs of {count} volumes wanted, expected at least 1 pair and 2 volumes")
    order = np.random.default_rng(seed).permutation(count).tolist()
    chords = (
        (order[start], order[(start + step) % count])
        for step in range(1, count // 2 + 1)
        for first in (0, 1)  # every other neighbour first: these pairs are disjoint
        for start in range(first, count if 2 * step < count else step, 2)
    )
    return list(islice(chords, pairs))


def scale_weights(shape: Sequence[int]) -> tuple[float, ...]:
    """Weights of the scales that fit into ``shape``, scaled to the sum 1.

    The coarsest scale must hold the kernel, and MONAI wants size // (scales - 1)² of it: 2 scales from 14 voxels of the
    smallest axis on, 3 from 28, 4 from 63, 5 from 112.

    Raises:
        ValueError: Smaller than the kernel.
    """
    smallest = min(shape)
    fitting = [n for n in range(len(WEIGHTS)) if smallest // max(1, n) ** 2 >= KERNEL and smallest >> n >= KERNEL]
    if not fitting:
        raise ValueError(f"volumes of {tuple(shape)} voxels, expected at least {KERNEL} along each axis")
    weights = WEIGHTS[: fitting[-1] + 1]
    return tuple(weight / sum(weights) for weight in weights)


def _load(volumes: Volumes, index: int, low: float, high: float) -> torch.Tensor:
    """Volume ``index`` as (1, 1, H, W, D) in 0 to 1."""
    volume = torch.as_tensor(volumes[index], dtype=torch.float32)
    if volume.ndim != 4 or len(volume) != 1:
        raise ValueError(f"volume {index} has shape {tuple(volume.shape)}, expected (1, H, W, D)")
    if not volume.isfinite().all():
        raise ValueError(f"volume {index} holds NaN or infinite voxels: leave it out or make it again")
    return ((volume - low) / (high - low)).clamp(0, 1)[None]
