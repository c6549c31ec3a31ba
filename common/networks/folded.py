"""Networks that no longer learn, with fewer operations."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norms(network: nn.Module) -> nn.Module:
    """`network`, in evaluation, with each batch norm that is declared right behind a convolution folded into it.

    Outputs stay the same to rounding. In place, and once: a norm that is gone stands as an identity.
    """
    for parent in list(network.modules()):
        before: tuple[str, nn.Module] = ("", parent)
        for name, child in list(parent.named_children()):
            if isinstance(child, _BatchNorm) and isinstance(before[1], _ConvNd):
                setattr(parent, before[0], fuse_conv_bn_eval(before[1], child))
                setattr(parent, name, nn.Identity())
            before = name, child
    return network
