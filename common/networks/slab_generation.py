"""Whole volumes of HA-GAN's generator, slab by slab: the values of `Generator.forward` without its largest maps."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from .hagan import Generator
from .hagan_size import LATENT_STRIDE


@torch.no_grad()
def generate_in_slabs(generator: Generator, z: Tensor, *, slices: int, out: Tensor | None = None) -> Tensor:
    """G^H(G^A(z)), equal to ``generator(z)`` to rounding; held are A, the maps of one slab, and the volume.

    A slab is made of its crop of A with a halo of one voxel on either side, which is all that its voxels see. What G^H
    takes over the whole volume, GroupNorm's mean and variance (``slab: official``), is gathered in a first pass over
    the slabs; ``seamless`` needs none.

    Args:
        generator: HA-GAN's, conditional or not.
        z: Latents (B, latent_dim + classes).
        slices: Thickness of a slab in voxels along the first axis; the last one may be thinner.
        out: Volumes (B, image_channels, S) that are written to, on any device; by default new ones beside z.

    Raises:
        ValueError: see `check_slices`.
    """
    check_slices(slices)
    a = generator.g_a(z)
    step = slices // LATENT_STRIDE
    bounds = [(start, min(start + step, a.shape[2])) for start in range(0, a.shape[2], step)]
    g_h = _with_known_statistics(generator.g_h, a, bounds)
    if out is None:
        out = z.new_empty(z.shape[0], generator.image_channels, *generator.size)
    for (start, stop), slab in zip(bounds, _slabs(g_h, a, bounds), strict=True):
        out[:, :, LATENT_STRIDE * start : LATENT_STRIDE * stop] = slab
    return out


def check_slices(slices: int) -> None:
    """Accept thicknesses of slabs that hold whole voxels of A.

    Raises:
        ValueError: It is no positive multiple of 4.
    """
    if slices < LATENT_STRIDE or slices % LATENT_STRIDE:
        raise ValueError(f"slabs are {slices} slices thick, expected a multiple of {LATENT_STRIDE}, such as 32")


def group_statistics(parts: Iterable[Tensor], groups: int) -> tuple[Tensor, Tensor]:
    """Mean and variance (B, groups), float64, of a map that comes in parts (B, C, …), as GroupNorm takes them.

    The parts' moments are merged as by Chan, Golub & LeVeque (The American Statistician 37, 1983), so that the variance
    of maps with a large mean is not lost.
    """
    count, mean, squares = 0, torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for part in parts:
        part = part.unflatten(1, (groups, -1)).float()
        moments = torch.var_mean(part, dim=tuple(range(2, part.ndim)), correction=0)
        variance, part_mean = (moment.double() for moment in moments)
        size = part[0, 0].numel()
        share = size / (count + size)
        shift = part_mean - mean
        squares = squares + variance * size + shift**2 * (count * share)
        mean = mean + shift * share
        count += size
    return mean, squares / count


class _KnownGroupNorm(nn.Module):
    """``norm`` with mean and variance (B, groups) given, in place, so that a crop is normalised as the whole is."""

    def __init__(self, norm: nn.GroupNorm, mean: Tensor, variance: Tensor) -> None:
        super().__init__()
        width = norm.num_channels // norm.num_groups
        mean, variance = (moment.repeat_interleave(width, dim=1) for moment in (mean, variance))
        scale = norm.weight / (variance + norm.eps).sqrt()  # (B, C)
        shift = norm.bias - mean * scale
        self.scale, self.shift = (term.to(norm.weight.dtype)[:, :, None, None, None] for term in (scale, shift))

    def forward(self, x: Tensor) -> Tensor:
        return x.mul_(self.scale).add_(self.shift)


def _with_known_statistics(g_h: nn.Sequential, a: Tensor, bounds: list[tuple[int, int]]) -> nn.Sequential:
    """G^H that normalises any crop of A by the mean and variance of the whole, if a group norm is what it has."""
    block, *rest = g_h
    conv, norm, relu = block.children()
    if not isinstance(norm, nn.GroupNorm):
        return g_h
    statistics = group_statistics(_slabs(conv, a, bounds), norm.num_groups)
    return nn.Sequential(conv, _KnownGroupNorm(norm, *statistics), relu, *rest)


def _slabs(network: nn.Module, a: Tensor, bounds: list[tuple[int, int]]) -> Iterator[Tensor]:
    """``network(a)`` in parts that belong to A's voxels [start, stop) along the first axis."""
    for start, stop in bounds:
        low = max(start - 1, 0)  # a halo only where A goes on: at the ends zero padding is what the whole volume sees
        crop = a[:, :, low : stop + 1]
        x = network(crop)
        factor = x.shape[2] // crop.shape[2]
        yield x[:, :, factor * (start - low) : factor * (stop - low)]
