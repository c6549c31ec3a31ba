"""What a SegResNet is built from, with a patch that it can halve."""

import math
import os
from collections.abc import Sequence
from typing import Any

import torch

_LEAST_BYTES = 45  # of a voxel of a patch and an initial filter, in training: half of what was measured in fp32


def segresnet_settings(*, roi_size: Sequence[int], blocks_down: Sequence[int], **settings: Any) -> dict[str, Any]:
    """Settings of `SegResNetDS` as model.pt has them.

    Args:
        roi_size: Voxels of a patch, which is halved between the levels.
        blocks_down: Blocks of each level.
        settings: Its other arguments; ``dsdepth`` is the number of levels that have a loss.

    Raises:
        ValueError: An axis of the patch is no multiple of 2^(levels - 1), more levels have a loss than there are, or no
            training of such a patch fits into the memory of this machine.
    """
    step = 2 ** (len(blocks_down) - 1)
    if any(voxels % step for voxels in roi_size):
        raise ValueError(
            f"roi_size is {list(roi_size)}, expected multiples of {step}, as blocks_down has {len(blocks_down)} "
            f"levels: set --roi_size, such as {[-(-voxels // step) * step for voxels in roi_size]}, or fewer levels"
        )
    if settings.get("dsdepth", 1) > len(blocks_down):
        raise ValueError(
            f"dsdepth is {settings['dsdepth']}, expected at most {len(blocks_down)}, as blocks_down has so many "
            "levels: set a smaller --dsdepth, or more levels"
        )
    need, memory = _LEAST_BYTES * settings.get("init_filters", 32) * math.prod(roi_size), _memory()
    if need > memory:
        raise ValueError(
            f"roi_size is {list(roi_size)} and init_filters {settings.get('init_filters', 32)}, which needs at least "
            f"{need / 2**30:.0f} GiB of memory, expected at most the {memory / 2**30:.0f} GiB that there are: set a "
            "smaller --roi_size or --init_filters"
        )
    return {"network": "segresnet_ds", "blocks_down": blocks_down, **settings}


def _memory() -> int:
    """Bytes of the largest GPU, or without one of the machine."""
    if torch.cuda.is_available():
        return max(torch.cuda.get_device_properties(number).total_memory for number in range(torch.cuda.device_count()))
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
