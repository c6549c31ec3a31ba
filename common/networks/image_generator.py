"""What training, previews and generation ask of a generator."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ImageGenerator(nn.Module):
    """Latents (B, latent_dim) to images or pairs (B, image_channels, *size) in [-1, 1].

    A generator calls this constructor and has a ``forward(z)``; one that takes more in training than latents (seeds of
    noise maps, styles to mix) has a `draw` of its own as well. A class rather than a ``Protocol``, for whoever asks for
    a generator asks for a ``torch.nn.Module`` too, and Python has no type that is both.

    Args:
        size: Axes of the image, two or three.
        image_channels: 1 for pairs concatenated in space, 2 for pairs in two channels.
        latent_dim: Length of z.
        classes: Length of the one-hot class behind z; 0 without a condition.
    """

    def __init__(self, size: Sequence[int], *, image_channels: int, latent_dim: int, classes: int = 0) -> None:
        super().__init__()
        self.size: tuple[int, ...] = tuple(int(axis) for axis in size)
        self.image_channels = image_channels
        self.latent_dim = latent_dim
        self.classes = classes

    def draw(self, count: int, rng: torch.Generator) -> dict[str, Tensor]:
        """Arguments of ``forward`` for `count` samples of one update, by name, batch first, on the CPU: z ~ N(0, 1)."""
        return {"z": torch.randn(count, self.latent_dim, generator=rng)}
