"""nnU-Net's plan of a data set, cut down for all arms alike."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ...networks.planned_unet import MAX_FILTERS, plan_stages

CONFIGURATION = "3d_fullres"
NAME = "armPlans"
_CONVOLUTIONS = 2  # of each resolution, nnU-Net's
_AS_READ = [0, 1, 2]


@dataclass(frozen=True, kw_only=True)
class PlanEdits:
    """What is changed in the plan; None leaves a thing as nnU-Net has planned it from the arm's own data.

    Attributes:
        batch_size: Patches an update.
        spacing: In mm, from right to left, back to front, feet to head; of all arms the same network needs it.
        patch_size: Voxels, in the same order.
        features: Of the finest resolution; doubled at each, up to 320.
        epochs, steps, validation_steps: Length of the training, of an epoch, and of the patches that it logs a Dice of.
    """

    batch_size: int
    spacing: Sequence[float] | None = None
    patch_size: Sequence[int] | None = None
    features: int | None = None
    epochs: int
    steps: int
    validation_steps: int


def edit_plan(plans: Mapping[str, Any], edits: PlanEdits) -> dict[str, Any]:
    """The content of nnU-Net's ``nnUNetPlans.json`` with the edits, under a name of its own.

    nnU-Net counts axes from the last of the file's to the first, and turns the coarsest to the front. Where the spacing
    is given, nothing is turned, so that the plans of all arms are the same.

    Raises:
        ValueError: See `plan_stages`.
    """
    edited: dict[str, Any] = deepcopy(dict(plans))
    edited["plans_name"] = NAME
    edited["length"] = {"epochs": edits.epochs, "steps": edits.steps, "validation_steps": edits.validation_steps}
    plan = edited["configurations"][CONFIGURATION]
    plan |= {"data_identifier": f"{NAME}_{CONFIGURATION}", "batch_size": edits.batch_size}
    network = plan["architecture"]["arch_kwargs"]
    if edits.spacing is not None:
        edited |= {"transpose_forward": _AS_READ, "transpose_backward": _AS_READ}
        plan["spacing"] = [float(size) for size in reversed(edits.spacing)]
    if edits.patch_size is not None:
        reversed_size = [int(size) for size in reversed(edits.patch_size)]
        plan["patch_size"] = [reversed_size[axis] for axis in edited["transpose_forward"]]
        stages = plan_stages(plan["patch_size"], plan["spacing"])
        count = len(stages["strides"])
        network |= {
            "n_stages": count,
            "kernel_sizes": stages["kernels"],
            "strides": stages["strides"],
            "n_conv_per_stage": [_CONVOLUTIONS] * count,
            "n_conv_per_stage_decoder": [_CONVOLUTIONS] * (count - 1),
        }
    finest = edits.features or network["features_per_stage"][0]
    network["features_per_stage"] = [min(finest * 2**stage, MAX_FILTERS) for stage in range(network["n_stages"])]
    return edited
