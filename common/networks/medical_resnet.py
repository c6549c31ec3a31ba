"""The dilated 3D ResNet of MedicalNet, whose pooled features the scores of generated volumes are made of.

S. Chen, K. Ma, Y. Zheng: Med3D: Transfer Learning for 3D Medical Image Analysis, arXiv:1904.00625, 2019. MONAI's
`resnet50(pretrained=True)` loads the same weights into a network with strides in place of the dilation, whose features
are others; HA-GAN's authors and the thesis use the dilated one.
"""

from collections.abc import Sequence
from typing import Literal, get_args

from monai.networks.nets.resnet import ResNet, get_medicalnet_pretrained_resnet_args
from torch import nn

Depth = Literal[10, 18, 34, 50]
_BLOCKS = {
    10: ("basic", [1, 1, 1, 1]),
    18: ("basic", [2, 2, 2, 2]),
    34: ("basic", [3, 4, 6, 3]),
    50: ("bottleneck", [3, 4, 6, 3]),
}


def medical_resnet(depth: Depth = 50, *, widths: Sequence[int] = (64, 128, 256, 512)) -> ResNet:
    """MONAI's ResNet with MedicalNet's strides and dilations: (B, 1, H, W, D) → (B, 4·512) or (B, 512) pooled features.

    The first convolution has stride 2; stages 3 and 4 keep the resolution of stage 2, an eighth, and dilate their 3³
    convolutions by 2 and 4. Basic blocks (depth 10, 18, 34) end in `widths[3]` features, bottlenecks in four times it.

    Raises:
        ValueError: The depth is another.
    """
    if depth not in _BLOCKS:
        raise ValueError(f"depth is {depth}, expected one of {', '.join(map(str, get_args(Depth)))}")
    block, layers = _BLOCKS[depth]
    _, shortcut = get_medicalnet_pretrained_resnet_args(depth)
    network = ResNet(
        block,
        layers,
        list(widths),
        n_input_channels=1,
        conv1_t_stride=2,
        shortcut_type=shortcut,
        bias_downsample=False,
        feed_forward=False,
    )
    _dilate(network.layer3, 2)
    _dilate(network.layer4, 4)
    return network


def _dilate(stage: nn.Sequential, dilation: int) -> None:
    """Stride 1 and dilated 3³ convolutions, in place; the weights stay."""
    for module in stage.modules():
        if isinstance(module, nn.Conv3d):
            module.stride = (1, 1, 1)
            if module.kernel_size == (3, 3, 3):
                module.dilation = module.padding = (dilation,) * 3
        keywords = getattr(getattr(module, "downsample", None), "keywords", None)
        if keywords:  # shortcut A is no module, but a function with a stride
            keywords["stride"] = 1
