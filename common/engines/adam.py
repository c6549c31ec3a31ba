"""Adam, without the first moment where β₁ = 0 makes it the gradient itself."""

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from .optimizers import Adam, Eager

_CHUNK = 2**18  # numbers that are updated together on a CPU: what of them lies in its cache is read once


def adam(params: Iterable[Tensor], *, lr: float, betas: Sequence[float], eps: float = 1e-8) -> Optimizer:
    """Adam of Kingma & Ba, 2015 (arXiv 1412.6980, algorithm 1); of β₁ = 0, as HA-GAN has it, in two thirds the memory.

    Args:
        params: What learns.
        lr: Step size α.
        betas: β₁ and β₂.
        eps: ε.
    """
    beta1, beta2 = betas
    if beta1 == 0:
        return AdamOfGradients(params, lr=lr, beta2=beta2, eps=eps)
    return Adam(params, lr=lr, betas=(beta1, beta2), eps=eps, fused=True)


class AdamOfGradients(Eager):
    """Adam with β₁ = 0: v ← β₂·v + (1 - β₂)·g², w ← w - lr·g / (√(v / (1 - β₂ᵗ)) + ε).

    The same numbers as ``torch.optim.Adam`` gives, to rounding, without its buffer of the first moment.

    Args:
        params, lr, beta2, eps: As for `adam`.
    """

    def __init__(self, params: Iterable[Tensor], *, lr: float, beta2: float = 0.999, eps: float = 1e-8) -> None:
        super().__init__(params, {"lr": lr, "beta2": beta2, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update all parameters that have gradients; with a `closure`, which makes these anew, its value."""
        with torch.enable_grad():
            value = None if closure is None else closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, lr=group["lr"], beta2=group["beta2"], eps=group["eps"])
        return value

    def _update(self, parameter: Tensor, grad: Tensor, *, lr: float, beta2: float, eps: float) -> None:
        state = self.state[parameter]
        if not state:
            state |= {"step": 0, "exp_avg_sq": torch.zeros_like(parameter)}
        state["step"] += 1
        correction = sqrt(1 - beta2 ** state["step"])
        size = _CHUNK if parameter.device.type == "cpu" else parameter.numel()
        chunks = (tensor.split(size) for tensor in (parameter.view(-1), grad.reshape(-1), state["exp_avg_sq"].view(-1)))
        for weight, g, square in zip(*chunks, strict=True):
            square.mul_(beta2).addcmul_(g, g, value=1 - beta2)
            weight.addcdiv_(g, square.sqrt().div_(correction).add_(eps), value=-lr)
