"""HA-GAN that draws the image of a given mask: SPADE in G^A, G^H and G^L (Park et al., 2019); D sees the pair.

The overlays masked_hagan.yaml and masked_inference.yaml put it into the bundle hagan_128; the study has the result.
"""

from typing import Any

import torch
from monai.networks.blocks.spade_norm import SPADE
from torch import Tensor, nn
from torch.nn import functional as F

from common.engines.hagan_step import HAGANStep
from common.engines.phase import Batch
from common.networks.hagan import Generator
from common.networks.hagan_size import LATENT_STRIDE
from common.networks.stage import Stage


class MaskedStage(nn.Module):
    """A stage of HA-GAN whose normalised map is scaled and shifted by what two convolutions make of the mask."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.convolution, norm, self.activation = stage
        groups = {"num_groups": norm.num_groups, "affine": False}
        self.norm = SPADE(1, norm.num_channels, spatial_dims=3, hidden_channels=16, norm="GROUP", norm_params=groups)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """A map (B, C, …) of the next stage, with the mask (B, 1, …) of the same box."""
        return self.activation(self.norm(self.convolution(x), mask))


class MaskedGenerator(Generator):
    """As `Generator`, of latents and masks; gives image and mask as two channels."""

    def __init__(self, size: Any, **options: Any) -> None:
        super().__init__(size, **options | {"image_channels": 1})
        self.image_channels = 2
        self.g_a.blocks = nn.ModuleList(MaskedStage(stage) for stage in self.g_a.blocks)
        up, *rest = self.g_h
        self.g_h = nn.ModuleList([MaskedStage(up), nn.Sequential(*rest)])
        first, second, *rest = self.g_l
        self.g_l = nn.ModuleList([MaskedStage(first), MaskedStage(second), nn.Sequential(*rest)])

    def forward(self, z: Tensor, mask: Tensor) -> Tensor:
        """Pairs (B, 2, S) of latents (B, latent_dim) and masks (B, 1, S) in [-1, 1]."""
        return self.pair(self.g_h, self.latent_map(z, mask), mask)

    def slab_and_low(self, z: Tensor, r: int, mask: Tensor) -> tuple[Tensor, Tensor]:
        """As of `Generator`, for masks."""
        a = self.latent_map(z, mask)
        start, depth = r // LATENT_STRIDE, self.slab_latents
        slab = mask[:, :, r : r + depth * LATENT_STRIDE]
        low = mask[:, :, ::LATENT_STRIDE, ::LATENT_STRIDE, ::LATENT_STRIDE]
        return self.pair(self.g_h, a[:, :, start : start + depth], slab), self.pair(self.g_l, a, low)

    def latent_map(self, z: Tensor, mask: Tensor) -> Tensor:
        """A, (B, 2·channels, S/4)."""
        a = self.g_a.fc(z.flatten(1)).view(len(z), -1, *self.g_a.base)
        for stage in self.g_a.blocks:
            a = stage(a, mask)
        return a

    def pair(self, network: nn.ModuleList, a: Tensor, mask: Tensor) -> Tensor:
        """What G^H or G^L makes of A, and the mask of the same box behind it."""
        *stages, last = network
        for stage in stages:
            a = stage(a, mask)
        return torch.cat([last(a), mask], dim=1)


class MaskedStep(HAGANStep):
    """As `HAGANStep`; images are drawn for the masks of the real pairs beside them."""

    def encoder_h_loss(self, b: Batch) -> dict[str, Tensor]:
        """L1 between the images of a slab and of G^H(E^H(slab))."""
        slab = b["x_slab"]
        return {"e": F.l1_loss(self.g.pair(self.g.g_h, self.e_h(slab), slab[:, 1:])[:, :1], slab[:, :1])}

    def encoder_g_loss(self, b: Batch) -> dict[str, Tensor]:
        """Mean of the L1 of slab and low resolution, images alone."""
        with torch.no_grad():
            codes = torch.cat([self.e_h(slab) for slab in b["x"].split(self.slab_depth, dim=2)], dim=2)
        slab, low = self.g.slab_and_low(self.e_g(codes), b["r"], b["x"][:, 1:])
        return {"e_sub": (F.l1_loss(slab[:, :1], b["x_slab"][:, :1]) + F.l1_loss(low[:, :1], b["x_low"][:, :1])) / 2}

    def _generate(self, b: Batch) -> tuple[Tensor, Tensor]:
        return self.g.slab_and_low(b["z"], b["r"], b["x"][:, 1:])
