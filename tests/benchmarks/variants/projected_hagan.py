"""HA-GAN whose D has heads on feature maps of a frozen ImageNet network, too (Projected GAN, Sauer et al., 2021).

The overlay projected_hagan.yaml puts it into the training of the bundle hagan_128; the study has the result.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from common.engines.hagan_step import HAGANStep
from common.engines.phase import Batch
from common.losses.adversarial import discriminator_losses, generator_loss
from common.networks.extractor import load_extractor
from common.networks.hagan import Discriminator, spectral

BLOCKS = {2: 24, 4: 40, 10: 112}  # of EfficientNet-Lite0: maps of a quarter, an eighth and a sixteenth, and their width


class ProjectedDiscriminator(Discriminator):
    """D^H and D^L, and a head for each feature map; the heads are asked by `ProjectedStep`."""

    def __init__(self, size: Any, **options: Any) -> None:
        super().__init__(size, **options)
        self.heads = nn.ModuleList(
            nn.Sequential(
                spectral(nn.Conv2d(width, 64, 4, 2, 1), True), nn.LeakyReLU(0.2), spectral(nn.Conv2d(64, 1, 1), True)
            )
            for width in BLOCKS.values()
        )


class ProjectedStep(HAGANStep):
    """As `HAGANStep`, with a hinge loss of the heads, which see every second slice of the slab of a z_concat pair."""

    def __init__(self, *networks: Any, weight: float, **options: Any) -> None:
        super().__init__(*networks, **options)
        self.weight = weight
        self.backbone = load_extractor("slices").network.backbone.network

    def discriminator_loss(self, b: Batch) -> dict[str, Tensor]:
        """That of D^H and D^L, and that of the heads, `d_projected`."""
        losses = super().discriminator_loss(b)
        with torch.no_grad():
            fake, _ = self._generate(b)
        pairs = zip(self.judge_slices(b["x_slab"]), self.judge_slices(fake), strict=True)
        projected = torch.stack([sum(discriminator_losses("hinge", *pair)) for pair in pairs]).mean()
        return losses | {"d": losses["d"] + self.weight * projected, "d_projected": projected}

    def generator_loss(self, b: Batch) -> dict[str, Tensor]:
        """Against D^H and D^L, and against the heads, `g_projected`."""
        slab, low = self._generate(b)
        logits, _ = self._judge((slab, low), b["r"], None)
        projected = torch.stack([generator_loss("hinge", judged) for judged in self.judge_slices(slab)]).mean()
        return {"g": generator_loss(self.objective, logits) + self.weight * projected, "g_projected": projected}

    def judge_slices(self, slab: Tensor) -> list[Tensor]:
        """Logits of each head on slices (B, 1, d, h, 2w): image, mask and image again are the colours."""
        image, mask = slab[:, 0, ::2].flatten(0, 1).chunk(2, dim=-1)
        x = F.interpolate(torch.stack([image, mask, image], dim=1), scale_factor=2.0, mode="bilinear")
        net, heads, logits = self.backbone, iter(self.d.heads), []
        x = net._swish(net._bn0(net._conv_stem(x)))
        for number, block in enumerate(net._blocks[: max(BLOCKS) + 1]):
            x = block(x)
            if number in BLOCKS:
                logits.append(next(heads)(x))
        return logits
