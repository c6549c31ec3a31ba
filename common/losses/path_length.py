"""Path length regularisation of StyleGAN2."""

from math import prod, sqrt

import ignite.distributed as idist
import torch
from torch import Tensor, nn


class PathLength(nn.Module):
    """E[(‖J_wᵀy‖₂ − a)²] (Karras et al., 2020, eq. 4), J_w = ∂images/∂w, y noise, a the running mean of the norm.

    y is scaled by 1 / √(pixels of an image), so that lengths do not grow with the size (app. B). With a style w for
    each layer the squared norm is averaged over the layers, as in the authors' code; one layer is eq. 4 itself.

    In training mode `mean` follows the mean norm of the batch (over all processes) before the loss is taken.

    Args:
        decay: Share of the batch in the running mean (app. B).
    """

    mean: Tensor

    def __init__(self, *, decay: float = 0.01) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, styles: Tensor, images: Tensor, y: Tensor) -> Tensor:
        """The loss, differentiable in whatever made ``images`` out of ``styles``.

        Args:
            styles: w (B, L, D), which requires a gradient.
            images: (B, C, *size), made from ``styles``.
            y: N(0, 1) noise in the images' shape.
        """
        lengths = path_lengths(styles, images, y)
        if self.training:
            batch = torch.as_tensor(idist.all_reduce(lengths.detach().mean())) / idist.get_world_size()
            self.mean.lerp_(batch, self.decay)
        return (lengths - self.mean).square().mean()


def path_lengths(styles: Tensor, images: Tensor, y: Tensor) -> Tensor:
    """‖J_wᵀy‖₂ / √(pixels) of each sample, (B,); shapes as for `PathLength`."""
    with torch.autocast(images.device.type, enabled=False):
        product = (images.float() * y).sum() / sqrt(prod(images.shape[2:]))
        (gradient,) = torch.autograd.grad(product, styles, create_graph=True)
        # the norm's own derivative at 0 is 0, that of a root would be infinite
        return torch.linalg.vector_norm(gradient.float(), dim=(1, 2)) / sqrt(styles.shape[1])
