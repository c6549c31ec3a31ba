"""Penalties on the discriminator's gradient with respect to its inputs."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Critic = Callable[..., Tensor]


def gradient_penalty(critic: Critic, real: Sequence[Tensor], fake: Sequence[Tensor], epsilon: Tensor) -> Tensor:
    """WGAN-GP's E[(‖∇D(x̂)‖₂ − 1)²] at x̂ = ε·x + (1 − ε)·G(z) (Gulrajani et al., 2017, eq. 3).

    Args:
        critic: Takes the inputs and returns logits (B, 1).
        real, fake: The inputs, each (B, …); the norm is taken over all inputs of a sample together.
        epsilon: One number in [0, 1] a sample, (B,).
    """
    mixed = [
        torch.lerp(f.detach().float(), x.float(), epsilon.to(x.device).view(-1, *[1] * (x.dim() - 1)))
        for x, f in zip(real, fake, strict=True)
    ]
    return ((_squared_norms(critic, mixed).sqrt() - 1) ** 2).mean()


def r1_penalty(critic: Critic, real: Sequence[Tensor]) -> Tensor:
    """R1's ½·E[‖∇D(x)‖₂²] on real samples (Mescheder et al., 2018, eq. 9); the caller multiplies by γ."""
    return _squared_norms(critic, [x.float() for x in real]).mean() / 2


def _squared_norms(critic: Critic, inputs: Sequence[Tensor]) -> Tensor:
    """‖∇D‖₂² a sample, (B,), differentiable in the critic's parameters."""
    inputs = [x.detach().requires_grad_() for x in inputs]
    gradients = torch.autograd.grad(critic(*inputs).sum(), inputs, create_graph=True)
    return torch.stack([g.float().flatten(1).square().sum(1) for g in gradients]).sum(0)
