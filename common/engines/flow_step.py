"""The training step of a `LatentFlow`."""

from collections.abc import Iterator
from typing import Any

import torch
from monai.networks.schedulers.rectified_flow import RFlowScheduler
from torch import Tensor

from ..data.sized_dataset import SizedDataset
from ..networks.latent_flow import NOISE_LEVELS, LatentFlow
from .phase import Batch, Phase
from .step import Step


class FlowStep(Step):
    """One update of the flow: from codes with noise in them to the way to the codes.

    A sample has a mask that is given, clean and without a loss, with probability `given_share`; otherwise image and
    mask are drawn together. So one network draws pairs, and images for masks. Noise levels are logit-normal (Esser et
    al., 2024).

    Args:
        generator: The networks.
        given_share: See above.
        mask_weight: Of the error in the mask's code, beside 1 of the image's.

    Raises:
        ValueError: A share outside [0, 1].
    """

    def __init__(self, generator: LatentFlow, *, given_share: float = 0.6, mask_weight: float = 0.3) -> None:
        if not 0 <= given_share <= 1:
            raise ValueError(f"given_share is {given_share}, expected 0 to 1")
        self.g = generator
        self.given_share = given_share
        self.mask_weight = mask_weight
        self.scheduler = RFlowScheduler(NOISE_LEVELS, use_discrete_timesteps=False)
        self.phases = [Phase("flow", generator.flow, self.loss)]

    def prepare(self, x: Tensor, rng: torch.Generator, y: Tensor | None = None) -> dict[str, Any]:
        """Codes of real pairs ``x`` (B, 2, H, W, D).

        Raises:
            ValueError: The pairs are not of the generator's size.
        """
        expected = [self.g.image_channels, *self.g.size]
        if list(x.shape[1:]) != expected:
            raise ValueError(f"batch of pairs {list(x.shape[1:])}, expected the generator's {expected}")
        with torch.no_grad():
            return {"code": self.g.encode(x)}

    def draw(self, count: int, rng: torch.Generator) -> dict[str, Any]:
        """Noise of the codes, noise levels, 0 to 1000, and which masks are given, for ``count`` samples.

        ``mask_part`` (count,) weighs a sample's error in the mask so that its mean over all samples, whichever process
        or part of the batch they are in, is the mean over the masks that are drawn.
        """
        noise = torch.randn(count, self.g.code_channels, *self.g.grid, generator=rng)
        level = torch.sigmoid(torch.randn(count, generator=rng)) * NOISE_LEVELS
        given = (torch.rand(count, generator=rng) < self.given_share).long()
        drawn = 1.0 - given
        return {"noise": noise, "level": level, "given": given, "mask_part": drawn * count / drawn.sum().clamp_min(1)}

    def loss(self, b: Batch) -> dict[str, Tensor]:
        """Mean squared error of the velocity, over what is not given."""
        images, given, code = self.g.latent_channels, b["given"], b["code"]
        noisy = self.scheduler.add_noise(original_samples=code, noise=b["noise"], timesteps=b["level"])
        noisy[given.bool(), images:] = code[given.bool(), images:]
        squares = (self.g.velocity(noisy, b["level"], given) - (code - b["noise"])) ** 2
        of_image = squares[:, :images].mean()
        of_mask = (squares[:, images:].mean((1, 2, 3, 4)) * b["mask_part"]).mean()
        return {"flow": of_image + self.mask_weight * of_mask, "of_image": of_image, "of_mask": of_mask}


def with_components(generator: LatentFlow, dataset: SizedDataset, *, cases: int = 256) -> LatentFlow:
    """`generator` with the principal components of the training's pairs: of `cases` of them, evenly, at most."""
    steps = range(0, len(dataset), -(-len(dataset) // cases))
    pairs: Iterator[Tensor] = (torch.as_tensor(dataset[number]["pair"]) for number in steps)
    generator.image_code.fit(pair[:1] for pair in pairs)
    return generator
