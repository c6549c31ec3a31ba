"""Images as a few numbers a block, by principal components."""

from collections.abc import Iterable
from itertools import product

import torch
from monai.networks.utils import pixelshuffle, pixelunshuffle
from sklearn.decomposition import PCA
from torch import Tensor, nn

from .occupancy import BLOCK

_VOXELS = BLOCK**3
_BLOCKS_A_CASE = 2048


class BlockCode(nn.Module):
    """The first `channels` principal components of 4³ blocks: (B, 1, H, W, D) → (B, channels, H/4, W/4, D/4).

    An autoencoder for a few hundred cases of which nothing is lost has to be trained for hours: after ten minutes of a
    CPU core, MONAI's `AutoencoderKL` with 32 numbers a block was further from the image than eight components are
    (latent_flow's docs/explanation.md). Components need seconds, are the same at each run, and are exact with 64.

    Each component is divided by the square root of its standard deviation, and all by one number, so that the codes
    have a mean square of 1: coarse components stay larger than fine ones, and are decided earlier.

    Args:
        channels: Components that are kept, 1 to 64.

    Raises:
        ValueError: `channels` out of its range.
    """

    mean: Tensor
    basis: Tensor
    scale: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        if not 1 <= channels <= _VOXELS:
            raise ValueError(f"latent_channels is {channels}, expected 1 to {_VOXELS}, the voxels of a block")
        self.channels = channels
        self.register_buffer("mean", torch.zeros(_VOXELS))
        self.register_buffer("basis", torch.eye(_VOXELS)[:channels])  # (channels, voxels)
        self.register_buffer("scale", torch.ones(channels))

    def fit(self, images: Iterable[Tensor]) -> None:
        """Find the components of images (1, H, W, D) of the training."""
        blocks = torch.cat([_some(_blocks(image[None].float())[0].flatten(1).T) for image in images]).double()
        found = PCA(self.channels, svd_solver="covariance_eigh").fit(blocks.numpy())
        deviations = torch.from_numpy(found.explained_variance_).clamp_min(1e-8).sqrt()
        self.mean.copy_(torch.from_numpy(found.mean_))
        self.basis.copy_(torch.from_numpy(found.components_))
        self.scale.copy_(deviations.sqrt() * deviations.mean().sqrt())

    def encode(self, images: Tensor) -> Tensor:
        """Codes of images (B, 1, H, W, D) in [-1, 1]."""
        centred = _blocks(images.float()) - self.mean.view(1, -1, 1, 1, 1)
        return torch.einsum("kv,bvhwd->bkhwd", self.basis / self.scale[:, None], centred)

    def decode(self, codes: Tensor) -> Tensor:
        """Images (B, 1, H, W, D) in [-1, 1] of codes."""
        blocks = torch.einsum("kv,bkhwd->bvhwd", self.basis * self.scale[:, None], codes.float())
        return pixelshuffle(blocks + self.mean.view(1, -1, 1, 1, 1), 3, BLOCK).clamp(-1, 1)

    def smooth(self, images: Tensor) -> Tensor:
        """Images (B, 1, H, W, D) in [-1, 1] without seams between blocks: the mean over eight grids of blocks of what
        their components keep (Coifman and Donoho, 1995).

        A code that is drawn block by block does not know where an edge of its neighbour lies. On a grid that is
        shifted by half a block, the seam is a step inside of a block, of which few components keep little.
        """
        views = []
        for shift in product((0, BLOCK // 2), repeat=3):
            padded = torch.nn.functional.pad(images, [n for n in reversed(shift) for _ in range(2)], mode="replicate")
            view = self.decode(self.encode(padded))
            for axis, start in enumerate(shift, 2):
                view = view.narrow(axis, start, images.shape[axis])
            views.append(view)
        return torch.stack(views).mean(0)


def _blocks(images: Tensor) -> Tensor:
    return pixelunshuffle(images, 3, BLOCK)


def _some(rows: Tensor) -> Tensor:
    """At most some thousand of the rows, evenly."""
    return rows[:: -(-len(rows) // _BLOCKS_A_CASE)]
