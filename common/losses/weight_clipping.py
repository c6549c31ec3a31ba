"""Weight clipping of the WGAN's critic."""

from typing import Any

import torch
from torch.optim import Optimizer


def clip_weights(optimizer: Optimizer, limit: float | None) -> Optimizer:
    """Clamp the parameters of ``optimizer`` to [-limit, limit] after each of its steps (Arjovsky et al., 2017, alg. 1).

    A step that a gradient scaler skips clips nothing, it changed nothing either. The hook is no part of the
    optimiser's state: wrap again what is built again to resume.

    Args:
        optimizer: Of the critic; all its parameter groups are clipped.
        limit: c of the paper, 0.01 there and in the thesis (table 4.8); None clips nothing.

    Returns:
        The optimiser itself.

    Raises:
        ValueError: The limit is not positive.
    """
    if limit is None:
        return optimizer
    if not limit > 0:
        raise ValueError(f"limit of weight clipping is {limit}, expected a positive number, or None for no clipping")

    @torch.no_grad()
    def clip(stepped: Optimizer, *_: Any) -> None:
        for group in stepped.param_groups:
            for parameter in group["params"]:
                parameter.clamp_(-limit, limit)

    optimizer.register_step_post_hook(clip)
    return optimizer
