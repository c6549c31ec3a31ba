"""Layers whose maps may be made again in the backward pass (activation checkpointing)."""

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class Stage(nn.Sequential):
    """Layers in a row; with `recomputed`, only the input is kept for the backward pass, which runs them again.

    Values and gradients are the same, for a stage neither draws random numbers nor keeps statistics.
    """

    recomputed: bool

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(*layers)
        self.recomputed = False

    def forward(self, x: Tensor) -> Tensor:
        """The layers in turn."""
        if not torch.jit.is_scripting() and self.recomputed and torch.is_grad_enabled():
            return self._again(x)
        for layer in self:
            x = layer(x)
        return x

    @torch.jit.unused
    def _again(self, x: Tensor) -> Tensor:
        return checkpoint(super().forward, x, use_reentrant=False, preserve_rng_state=False)


def recompute_stages(network: nn.Module) -> None:
    """Let the stages of ``network`` be run again in the backward pass rather than kept."""
    for module in network.modules():
        if isinstance(module, Stage):
            module.recomputed = True
