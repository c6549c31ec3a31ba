"""Adam, without the first moment where β₁ = 0 makes it the gradient itself."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import sqrt
from typing import Any

import torch
from torch import Tensor
from torch.optim import Adam, Optimizer

_CHUNK = 2**18  # numbers that are updated together on a CPU: what of them lies in its cache is read once


def adam(params: Iterable[Tensor], *, lr: float, betas: Sequence[float], eps: float = 1e-8) -> Optimizer:
    """Adam of Kingma & Ba, 2015 (arXiv 1412.6980, algorithm 1); of β₁ = 0, as HA-GAN has it, in two thirds the memory.

    Args:
        params: What learns.
        lr: Step size α.
        betas: β₁ and β₂.
        eps: ε.
    """
    if betas[0] == 0:
        return AdamOfGradients(params, lr=lr, beta2=betas[1], eps=eps)
    return Adam(params, lr=lr, betas=tuple(betas), eps=eps, fused=True)


class AdamOfGradients(Optimizer):
    """Adam with β₁ = 0: v ← β₂·v + (1 - β₂)·g², w ← w - lr·g / (√(v / (1 - β₂ᵗ)) + ε).

    The same numbers as ``torch.optim.Adam`` gives, to rounding, without its buffer of the first moment.

    Args:
        params, lr, beta2, eps: As for `adam`.
    """

    def __init__(self, params: Iterable[Tensor], *, lr: float, beta2: float = 0.999, eps: float = 1e-8) -> None:
        super().__init__(params, {"lr": lr, "beta2": beta2, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:
        """Update all parameters that have gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, lr=group["lr"], beta2=group["beta2"], eps=group["eps"])

    def _update(self, parameter: Tensor, *, lr: float, beta2: float, eps: float) -> None:
        state = self.state[parameter]
        if not state:
            state |= {"step": 0, "exp_avg_sq": torch.zeros_like(parameter)}
        state["step"] += 1
        correction = sqrt(1 - beta2 ** state["step"])
        for weight, grad, square in _chunks(parameter, parameter.grad, state["exp_avg_sq"]):
            square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
            weight.addcdiv_(grad, square.sqrt().div_(correction).add_(eps), value=-lr)


def _chunks(parameter: Tensor, grad: Tensor, square: Tensor) -> Iterator[tuple[Tensor, ...]]:
    size = _CHUNK if parameter.device.type == "cpu" else parameter.numel()
    flat = (parameter.view(-1), grad.reshape(-1), square.view(-1))
    return zip(*(tensor.split(size) for tensor in flat), strict=True)
