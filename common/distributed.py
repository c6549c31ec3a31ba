"""Several processes that `torchrun` starts, each on a device of its own: which it is, how they begin and end."""

import os
from datetime import timedelta
from typing import Literal

import torch
from torch import distributed

Exchange = Literal["gradients", "results"]


def own_device() -> torch.device:
    """The GPU of this process, by its number on this machine (torchrun's ``LOCAL_RANK``); the CPU where there is none.

    A process that was started alone has number 0.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))


def begin_together(device: torch.device, *, exchange: Exchange) -> None:
    """Join the other processes.

    Args:
        device: Of this process, see `own_device`.
        exchange: ``gradients`` at each step of a training, by NCCL between GPUs and by Gloo between CPUs; or
            ``results`` once at the end, by Gloo everywhere: who is done then waits, for up to a day, without keeping a
            GPU busy.

    Raises:
        ValueError: The exchange is another, or `torchrun` has not started this process.
    """
    if exchange not in ("gradients", "results"):
        raise ValueError(f"exchange is '{exchange}', expected gradients or results")
    if missing := [name for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT") if name not in os.environ]:
        raise ValueError(
            f"the environment has no {', '.join(missing)}, expected those that torchrun sets for processes which work "
            "together: start it with `torchrun --nproc_per_node=2 -m monai.bundle run …`, or leave the overlay "
            "multi_gpu_… out of --config_file"
        )
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if exchange == "results":
        distributed.init_process_group("gloo", timeout=timedelta(days=1))
    else:
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")


def end_together() -> None:
    """Wait until all processes have come here, for the first may still be writing; then take leave of them."""
    distributed.barrier()
    distributed.destroy_process_group()
