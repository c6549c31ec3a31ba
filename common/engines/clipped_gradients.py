"""Bound on the gradients of an optimiser's step."""

from typing import Any

import torch
from torch.optim import Optimizer


def clip_gradients(optimizer: Optimizer, limit: float | None) -> Optimizer:
    """Scale the gradients before each step of `optimizer` so that their joint norm is at most `limit`.

    A gradient scaler has undone its factor by then. The hook is no part of the optimiser's state: wrap again what is
    built again to resume.

    Args:
        optimizer: All its parameter groups count together.
        limit: Largest Euclidean norm; None leaves the gradients alone.

    Returns:
        The optimiser itself.

    Raises:
        ValueError: The limit is not positive.
    """
    if limit is None:
        return optimizer
    if not limit > 0:
        raise ValueError(f"limit of the gradients is {limit}, expected a positive number, or None for no limit")

    def clip(stepping: Optimizer, *_: Any) -> None:
        torch.nn.utils.clip_grad_norm_([p for group in stepping.param_groups for p in group["params"]], limit)

    optimizer.register_step_pre_hook(clip)
    return optimizer
