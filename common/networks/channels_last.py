"""Networks in the memory layout in which a CPU convolves fastest: the channels of a voxel beside each other."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def placed(network: nn.Module, device: torch.device | str) -> nn.Module:
    """``network`` itself on `device`; on a CPU with weights and instance norms channels last.

    Its results change by rounding alone, and the names and shapes of its weights not at all. Group norms, whose
    gradients torch computes slowly in this layout, and GPUs keep torch's own.

    Args:
        network: With 3D convolutions.
        device: Where it is to run.
    """
    network.to(device)
    if torch.device(device).type == "cpu" and not any(isinstance(module, nn.GroupNorm) for module in network.modules()):
        network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload] # torch's stub leaves it out
        for module in network.modules():
            if type(module) is nn.InstanceNorm3d and not module.track_running_stats:
                module.__class__ = InstanceNormLast  # keeps weights, their names and hooks
    return network


class InstanceNormLast(nn.InstanceNorm3d):
    """`InstanceNorm3d` of the statistics at hand, which keeps the layout of its input.

    Torch's own copies its input to channels first and the convolution behind it copies back. Its batch norm knows both
    layouts, and that of a single volume is the instance norm.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalised ``x`` (B, C, H, W, D)."""
        volumes = [F.batch_norm(one, None, None, self.weight, self.bias, True, 0.0, self.eps) for one in x.split(1)]
        return torch.cat(volumes)
