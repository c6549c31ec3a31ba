"""Rectified flow of image and mask on a coarse grid (Liu et al., 2022; Rombach et al., 2022), of MONAI's parts.

    image ─ principal components of 4³ blocks ─┐               ┌─ image
                                               ├ flow ┄ noise ┄┤
    mask ── occupancies of 4³ blocks ──────────┘               └─ mask

MONAI's `LatentDiffusionInferer` knows neither parts that are given nor codes that are no autoencoder's, so that the
loop over the steps is here.
"""

import copy
from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
from monai.networks.nets.diffusion_model_unet import DiffusionModelUNet
from monai.networks.schedulers.rectified_flow import RFlowScheduler
from torch import Tensor, nn

from .block_code import BlockCode
from .image_generator import ImageGenerator
from .occupancy import BLOCK, OccupancyCode

NOISE_LEVELS = 1000  # of MONAI's scheduler
_GROUPS = 8
_HEAD = 32


class LatentFlow(ImageGenerator):
    """Pairs (B, 2, H, W, D) from noise on the grid of blocks; with a mask that is given, an image for it.

    Args:
        size: Axes of the image, multiples of 4 times 2 for each width behind the first.
        labels: Classes of the masks, background included.
        latent_channels: Numbers of an image's block, see `BlockCode`.
        channels: Widths of the flow's network on the grid and on each coarser one, multiples of 8; of the last, which
            attends, a multiple of 32 or less than that.
        sampling_steps: Of Euler's method from noise to a pair, 1 to 1000.
        temperature: What the image's noise at the start is multiplied by; below 1, samples are cleaner and more alike.
        mask_temperature: The same for the mask's noise, which decides how large and how varied drawn masks are; None is
            that of the image.
        redraw: Where masks are drawn, each image is then drawn again for its mask, from this share of noise in it,
            above 0 to 1 (SDEdit, Meng et al., 2022); None keeps the image that was drawn with the mask.
        redraw_temperature: What that noise is multiplied by.

    Attributes:
        latent_dim: Number of noise values of a pair, those of the mask included.

    Raises:
        ValueError: A size or width does not fit; the message says what would.
    """

    def __init__(
        self,
        size: Sequence[int],
        *,
        labels: int,
        latent_channels: int = 24,
        channels: Sequence[int] = (64, 96),
        sampling_steps: int = 25,
        temperature: float = 1.0,
        mask_temperature: float | None = None,
        redraw: float | None = None,
        redraw_temperature: float = 1.0,
    ) -> None:
        if not channels or any(width % _GROUPS or width < _GROUPS for width in channels):
            raise ValueError(f"channels are {list(channels)}, expected one or more multiples of {_GROUPS}: set others")
        if channels[-1] % (head := min(_HEAD, channels[-1])):
            raise ValueError(f"channels end with {channels[-1]}, expected a multiple of {_HEAD}, or less than that")
        step = BLOCK * 2 ** (len(channels) - 1)
        if len(size) != 3 or any(axis % step or axis < step for axis in size):
            raise ValueError(
                f"image_size is {list(size)}, expected three multiples of {step} ({len(channels)} widths): "
                "set another --image_size, or fewer widths"
            )
        if not 1 <= sampling_steps <= NOISE_LEVELS:
            raise ValueError(f"sampling_steps is {sampling_steps}, expected 1 to {NOISE_LEVELS}")
        of_mask = temperature if mask_temperature is None else mask_temperature
        if redraw is not None and not 0 < redraw <= 1:
            raise ValueError(f"redraw is {redraw}, expected above 0 to 1, such as 0.75, or none")
        for name, value in (
            ("temperature", temperature),
            ("mask_temperature", of_mask),
            ("redraw_temperature", redraw_temperature),
        ):
            if value <= 0:
                raise ValueError(f"{name} is {value}, expected more than 0, such as 0.7")
        mask_code = OccupancyCode(labels)
        grid = tuple(axis // BLOCK for axis in size)
        super().__init__(size, image_channels=2, latent_dim=(latent_channels + mask_code.channels) * prod(grid))
        self.grid = grid
        self.code_channels = latent_channels + mask_code.channels
        self.latent_channels = latent_channels
        self.sampling_steps = sampling_steps
        self.temperature, self.mask_temperature = temperature, of_mask
        self.redraw, self.redraw_temperature = redraw, redraw_temperature
        self.mask_code = mask_code
        self.image_code = BlockCode(latent_channels)
        self.flow = DiffusionModelUNet(
            spatial_dims=3,
            in_channels=self.code_channels,
            out_channels=self.code_channels,
            channels=channels,
            num_res_blocks=1,
            attention_levels=[False] * len(channels),
            num_head_channels=[head] * len(channels),  # MONAI attends at the coarsest grid all the same
            norm_num_groups=_GROUPS,
            num_class_embeds=2,  # the mask is drawn, or given
        )
        # channels last is a tenth to a third faster on a CPU; torch documents this form of `to` without annotating it
        self.flow.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def forward(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Pairs (B, 2, H, W, D) in [-1, 1] of ``z`` (B, latent_dim); with ``mask`` (B, 1, H, W, D), images for it."""
        noise, mask_noise = z.view(-1, self.code_channels, *self.grid).split(
            [self.latent_channels, self.mask_code.channels], 1
        )
        if mask is not None:
            code = self._draw(self.temperature * noise, self.mask_code.encode(mask), given=True)
        else:
            code = self._draw(self.temperature * noise, self.mask_temperature * mask_noise, given=False)
            mask = self.mask_code.decode(code[:, self.latent_channels :])
            if self.redraw is not None:
                fresh = self.redraw_temperature * noise.flip((2, 3, 4))  # at its new place, noise that was not seen yet
                images = (1 - self.redraw) * code[:, : self.latent_channels] + self.redraw * fresh
                code = self._draw(images, self.mask_code.encode(mask), given=True, start=self.redraw)
        image = self.image_code.smooth(self.image_code.decode(code[:, : self.latent_channels]))
        return torch.cat([image, mask], 1)

    def _draw(self, images: Tensor, masks: Tensor, *, given: bool, start: float = 1.0) -> Tensor:
        """Codes of pairs from a share `start` of noise in the images, and in the masks unless those are `given`."""
        code = torch.cat([images, masks], 1)
        flags = torch.full((len(code),), int(given), device=code.device)
        scheduler = RFlowScheduler(NOISE_LEVELS)
        scheduler.set_timesteps(self.sampling_steps)
        first = start * NOISE_LEVELS
        levels = [first, *(level for level in scheduler.timesteps.tolist() if level < first), 0]
        for level, following in pairwise(levels):
            velocity = self.velocity(code, torch.full((len(code),), float(level), device=code.device), flags)
            code, _ = scheduler.step(velocity, level, code, following)
        return code

    def encode(self, pairs: Tensor) -> Tensor:
        """Codes (B, code_channels, *grid) of pairs (B, 2, H, W, D) in [-1, 1]."""
        return torch.cat([self.image_code.encode(pairs[:, :1]), self.mask_code.encode(pairs[:, 1:])], 1)

    def velocity(self, code: Tensor, level: Tensor, given: Tensor) -> Tensor:
        """From noise to data, of codes at noise levels (B,), 0 to 1000; 0 for the mask where it is ``given`` (B,)."""
        velocity = self.flow(code.contiguous(memory_format=torch.channels_last_3d), level, class_labels=given).float()
        drawn = (1 - given).to(velocity.dtype).view(-1, 1, 1, 1, 1)
        images = self.latent_channels
        return torch.cat([velocity[:, :images], velocity[:, images:] * drawn], 1)

    def with_flow(self, flow: nn.Module) -> "LatentFlow":
        """This generator with the weights of another flow, such as their moving average; the code is shared."""
        other = copy.copy(self)
        other._modules = {**self._modules, "flow": flow}
        return other
