"""Generation slab by slab, for volumes whose feature maps do not fit in memory."""

from collections.abc import Callable
from typing import Any

from monai.inferers import SimpleInferer
from torch import Tensor

from ..networks.hagan import Generator
from ..networks.slab_generation import check_slices, generate_in_slabs


class SlabInferer(SimpleInferer):
    """Runs HA-GAN's generator a slab at a time, with the values of the whole volume at once, see `generate_in_slabs`.

    Args:
        slab_slices: Voxels along the first axis that are made at once, a multiple of 4; None makes the volume at once,
            with whatever network.

    Raises:
        ValueError: slab_slices is no positive multiple of 4.
    """

    def __init__(self, slab_slices: int | None = None) -> None:
        super().__init__()
        if slab_slices is not None:
            check_slices(slab_slices)
        self.slab_slices = slab_slices

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Volumes (B, image_channels, S) of latents (B, latent_dim + classes).

        Raises:
            TypeError: The network is not HA-GAN's generator and slabs are asked for.
        """
        if self.slab_slices is None:
            return super().__call__(inputs, network, *args, **kwargs)
        if not isinstance(network, Generator):
            raise TypeError(
                f"slab_slices is {self.slab_slices}, but {type(network).__name__} is not HA-GAN's generator, the only "
                "network that is run in slabs: set slab_slices to null"
            )
        return generate_in_slabs(network, inputs, slices=self.slab_slices)
