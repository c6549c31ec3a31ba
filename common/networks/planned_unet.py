"""U-Net as nnU-Net plans it from patch size and spacing (Isensee et al., 2021), on MONAI's DynUNet."""

from collections.abc import Sequence

from monai.networks.nets import DynUNet
from torch import Tensor

SMALLEST = 4  # voxels along an axis of the coarsest feature map
ANISOTROPIC = 2  # ratio of two axes' spacings
MAX_FILTERS = 320  # of a 3D stage


def plan_stages(patch_size: Sequence[int], spacing: Sequence[float]) -> dict[str, list[list[int]]]:
    """``kernels`` and ``strides`` of each resolution, finest first (Isensee et al., 2021, methods, network topology).

    An axis is halved while it keeps at least four voxels, coarse axes only once the finer ones that are still halved
    have come within a factor of two of their spacing. Until then the kernel does not reach along a coarse axis.
    nnU-Net pads a patch whose size cannot be halved; here an axis of odd size is left as it is.

    Args:
        patch_size: Voxels of each axis.
        spacing: Of each axis, mm.

    Raises:
        ValueError: Fewer than three resolutions come of it, or the two arguments differ in length.
    """
    if len(patch_size) != len(spacing):
        raise ValueError(f"roi_size {list(patch_size)} and spacing {list(spacing)} differ in their number of axes")
    size, distance = list(patch_size), list(spacing)
    kernel, stride = [1] * len(size), [1] * len(size)
    kernels, strides = [], []
    while True:
        isotropic = [mm / min(distance) < ANISOTROPIC for mm in distance]
        kernel = [3 if near else k for k, near in zip(kernel, isotropic, strict=True)]  # never narrower again
        kernels.append(kernel)
        strides.append(stride)
        stride = _next_stride(size, distance)
        if max(stride) == 1:
            break
        size = [n // s for n, s in zip(size, stride, strict=True)]
        distance = [mm * s for mm, s in zip(distance, stride, strict=True)]
    if len(strides) < 3:
        raise ValueError(
            f"roi_size {list(patch_size)} at spacing {list(spacing)} can be halved {len(strides) - 1} times, this "
            f"U-Net needs 2 or more: give its finest axes a multiple of {4 * SMALLEST} voxels"
        )
    return {"kernels": kernels, "strides": strides}


def _next_stride(size: Sequence[int], distance: Sequence[float]) -> list[int]:
    divisible = [n % 2 == 0 and n // 2 >= SMALLEST for n in size]
    finest = min((mm for mm, can in zip(distance, divisible, strict=True) if can), default=0)
    return [2 if can and mm / finest < ANISOTROPIC else 1 for mm, can in zip(distance, divisible, strict=True)]


class PlannedUNet(DynUNet):
    """DynUNet with nnU-Net's instance norm, leaky ReLU and filters, and its deep supervision at each head's own size.

    Image (B, in_channels, *patch_size) to logits (B, out_channels, *patch_size); in training mode to a list of `heads`
    of them, each half as large as the one before (MONAI's DynUNet upsamples and stacks them), as `SegResNetDS` gives
    and `DeepSupervisionLoss` weighs by 1, 1/2, 1/4, ….

    Args:
        in_channels: Of the image.
        out_channels: Classes.
        kernels: Of each resolution, see `plan_stages`.
        strides: Of each resolution.
        filters: Of the finest resolution; doubled at each, up to 320.
        heads: Resolutions that give logits in training, finest first. nnU-Net's are all but the two coarsest.

    Raises:
        ValueError: More heads than resolutions of the decoder.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        kernels: Sequence[Sequence[int]],
        strides: Sequence[Sequence[int]],
        filters: int = 32,
        heads: int = 4,
    ) -> None:
        if not 1 <= heads < len(strides):
            raise ValueError(f"dsdepth is {heads}, expected 1 to {len(strides) - 1} with {len(strides)} resolutions")
        super().__init__(
            spatial_dims=len(strides[0]),
            in_channels=in_channels,
            out_channels=out_channels,
            kernel_size=kernels,
            strides=strides,
            upsample_kernel_size=strides[1:],
            filters=[min(filters * 2**stage, MAX_FILTERS) for stage in range(len(strides))],
            deep_supervision=heads > 1,
            deep_supr_num=max(1, heads - 1),
        )

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        """Logits of ``x``; of each head in training mode."""
        logits = self.output_block(self.skip_layers(x))
        return [logits, *self.heads] if self.training and self.deep_supervision else logits
