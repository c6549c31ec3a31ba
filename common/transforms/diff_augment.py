"""Differentiable augmentation of what the discriminator sees (Zhao et al., 2020, arXiv 2006.10738)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from .pairing import Pair, PairMode

Policy = Literal["intensity", "translation", "cutout"]
BACKGROUND = -1.0  # air, and no label
_GATE, _BRIGHTNESS, _CONTRAST, _SHIFT, _HOLE = 0, 1, 2, slice(3, 6), slice(6, 9)  # columns of the parameters
_COLUMNS = 9


class DiffAugment:
    """Translation, cut-out and intensity, differentiable in the images, with parameters drawn apart.

    The same parameters give real and generated images, and image and mask of a pair, the same augmentation; image and
    mask are taken apart for it, so nothing moves from one into the other, and intensity leaves the mask alone. What
    translation uncovers and cut-out covers becomes -1 (background; the paper's 0 is its images' mean grey).
    Saturation, the third colour change of the paper, has no meaning for one channel.

    Per sample, with u uniform in [0, 1) and N the axis's extent, ranges being those of the paper:
        intensity: x + brightness·(2u - 1), then x + (x - x̄)·contrast·(2u - 1), x̄ being the mean of all voxels;
        translation: a whole number of voxels within ±translation·N along each axis;
        cut-out: a box of cutout·N along each axis with its centre anywhere, so partly outside at times. Inside, it
            takes a quarter of a plane and an eighth of a volume (`cutout=0.63`: a quarter).

    Args:
        policy: Which of them, in the order of application.
        translation, cutout: Shares of each axis, in [0, 1].
        brightness, contrast: Half-widths of their ranges.
        image_channels: The first so many channels are images; the others are masks, without intensity. Of a pair, the
            image is the one.
        pairing: How image and mask make the tensor. Planes of tiles (B, C, H, W) need `image_only`: translation and
            cut-out then act on the whole plane, and the policy must be without intensity if it holds mask tiles.
        probability: Share of samples that are augmented, in [0, 1]; the others are given back exactly. An attribute
            that `common.handlers.adaptive_augment` sets while it trains.

    Raises:
        ValueError: An unknown name in the policy, or a share outside [0, 1].
    """

    def __init__(
        self,
        policy: Sequence[Policy] = ("intensity", "translation", "cutout"),
        *,
        translation: float = 0.125,
        cutout: float = 0.5,
        brightness: float = 0.5,
        contrast: float = 0.5,
        image_channels: int = 1,
        pairing: PairMode = "image_only",
        probability: float = 1.0,
    ) -> None:
        if unknown := [name for name in policy if name not in get_args(Policy)]:
            raise ValueError(f"DiffAugment policy has {unknown}, expected some of {', '.join(get_args(Policy))}")
        if not (0 <= translation <= 1 and 0 <= cutout <= 1):
            raise ValueError(f"DiffAugment: translation {translation} and cutout {cutout} must be shares in [0, 1]")
        self.policy = tuple(policy)
        self.translation, self.cutout = translation, cutout
        self.brightness, self.contrast = brightness, contrast
        self.image_channels, self.pair = image_channels, Pair(pairing)
        self.probability = probability

    def draw(self, count: int, rng: torch.Generator) -> dict[str, Tensor]:
        """Parameters of `count` samples: "augment", uniform in [0, 1), (count, 9), on the CPU."""
        return {"augment": torch.rand(count, _COLUMNS, generator=rng)}

    def __call__(
        self,
        x: Tensor,
        parameters: Mapping[str, Tensor],
        strength: float | Tensor = 1.0,
        *,
        pairing: PairMode | None = None,
    ) -> Tensor:
        """Augment `x` (B, C, H, W[, D]) in [-1, 1]; intensity may leave that range.

        Args:
            x: Images or pairs.
            parameters: From `draw`, one row a sample.
            strength: Factor on all ranges, in [0, 1], one or (B,); 0 gives `x` exactly.
            pairing: Of `x`, where it is another than the constructor's.

        Raises:
            ValueError: Not one row of parameters for each sample.
        """
        u = parameters["augment"].double()  # whole numbers are made of u: no rounding up to 1
        if u.shape != (len(x), _COLUMNS):
            raise ValueError(f"DiffAugment: parameters {tuple(u.shape)}, expected {(len(x), _COLUMNS)}")
        chosen = u[:, _GATE] < self.probability
        if not chosen.any():
            return x
        strength = torch.as_tensor(strength, dtype=u.dtype, device=u.device).expand(len(x))
        pair = Pair(pairing) if pairing else self.pair
        return torch.where(_per_sample(chosen, x), self._augment(x, u, strength, pair), x)

    def _augment(self, x: Tensor, u: Tensor, strength: Tensor, pair: Pair) -> Tensor:
        image, mask = (x, None) if pair.mode == "image_only" else pair.unpair(x)
        parts = image if mask is None else torch.cat([image, mask], dim=1)
        steps: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
            "intensity": self._intensity,
            "translation": self._translate,
            "cutout": self._cut_out,
        }
        for name in self.policy:
            parts = steps[name](parts, u, strength)
        return parts if mask is None else pair(*parts.chunk(2, dim=1))

    def _intensity(self, x: Tensor, u: Tensor, strength: Tensor) -> Tensor:
        brightness = _per_sample(self.brightness * strength * (2 * u[:, _BRIGHTNESS] - 1), x).to(x.dtype)
        contrast = _per_sample(self.contrast * strength * (2 * u[:, _CONTRAST] - 1), x).to(x.dtype)
        image = x[:, : self.image_channels] + brightness
        image = image + (image - image.mean(dim=list(range(1, x.ndim)), keepdim=True)) * contrast
        return torch.cat([image, x[:, self.image_channels :]], dim=1)

    def _translate(self, x: Tensor, u: Tensor, strength: Tensor) -> Tensor:
        reach = (self.translation * strength[:, None] * _extents(x, u)).round()
        shifts = (u[:, _SHIFT][:, : x.ndim - 2] * (2 * reach + 1)).floor() - reach
        moved = []
        for sample, shift in zip(x, shifts.long().tolist(), strict=True):  # towards higher indices
            pads = [pad for s in reversed(shift) for pad in (s, -s)]  # a negative pad crops
            moved.append(F.pad(sample, pads, value=BACKGROUND))
        return torch.stack(moved)

    def _cut_out(self, x: Tensor, u: Tensor, strength: Tensor) -> Tensor:
        extents = _extents(x, u)
        sides = (self.cutout * strength[:, None] * extents).round()
        centres = (u[:, _HOLE][:, : x.ndim - 2] * (extents + 1 - sides % 2)).floor()
        starts = centres - sides.div(2, rounding_mode="floor")
        inside = torch.ones((), dtype=torch.bool, device=x.device)
        for axis, (start, side) in enumerate(zip(starts.T, sides.T, strict=True), start=2):
            voxels = torch.arange(x.shape[axis], device=u.device)
            along = (voxels >= start[:, None]) & (voxels < (start + side)[:, None])  # (B, N)
            shape = [len(x)] + [1] * (x.ndim - 1)
            shape[axis] = x.shape[axis]
            inside = inside & along.view(shape).to(x.device)
        return torch.where(inside, BACKGROUND, x)


def _per_sample(values: Tensor, x: Tensor) -> Tensor:
    """`values` (B,) on the device of `x`, broadcast over its other axes."""
    return values.to(x.device).view(-1, *[1] * (x.ndim - 1))


def _extents(x: Tensor, u: Tensor) -> Tensor:
    return torch.tensor(x.shape[2:], dtype=u.dtype, device=u.device)
