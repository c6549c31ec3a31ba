"""What a SegResNet is built from, with a patch that it can halve."""

from collections.abc import Sequence
from typing import Any


def segresnet_settings(*, roi_size: Sequence[int], blocks_down: Sequence[int], **settings: Any) -> dict[str, Any]:
    """Settings of `SegResNetDS` as model.pt has them.

    Args:
        roi_size: Voxels of a patch, which is halved between the levels.
        blocks_down: Blocks of each level.
        settings: Its other arguments; ``dsdepth`` is the number of levels that have a loss.

    Raises:
        ValueError: An axis of the patch is no multiple of 2^(levels - 1), or more levels have a loss than there are.
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
    return {"network": "segresnet_ds", "blocks_down": blocks_down, **settings}
