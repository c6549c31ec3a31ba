"""Torch's optimisers without its compiler, whose import takes longer than all that is ours at the start of a run."""

import inspect

import torch
from torch.optim import Optimizer


class Eager(Optimizer):
    """To be named before an optimiser of torch as a base: its methods as torch writes them, without their wrappers.

    These exempt a method from `torch.compile`, for which they import ``torch._dynamo``: 1.3 s of CPU time at the first
    optimiser of a process. Here networks are compiled, if at all, and never optimisers.
    """

    add_param_group = inspect.unwrap(Optimizer.add_param_group)
    zero_grad = inspect.unwrap(Optimizer.zero_grad)
    state_dict = inspect.unwrap(Optimizer.state_dict)
    load_state_dict = inspect.unwrap(Optimizer.load_state_dict)


class Adam(Eager, torch.optim.Adam):
    """`torch.optim.Adam`, eager."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))


class AdamW(Eager, torch.optim.AdamW):
    """`torch.optim.AdamW`, eager."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))


class RMSprop(Eager, torch.optim.RMSprop):
    """`torch.optim.RMSprop`, eager."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.RMSprop.step))
