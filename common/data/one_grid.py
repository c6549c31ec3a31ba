"""One grid for all volumes of a generated set: those on another are files of other sets, or were changed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nibabel.affines import voxel_sizes

from .check import Problem
from .nifti_files import require_volume


def on_another_grid(cases: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """Problems of the cases whose image has another size or voxel size (to three digits) than most."""
    grids = {}
    for case in cases:
        image = require_volume(Path(case["image"]))
        grids[case["case_id"]] = (tuple(image.shape), tuple(float(f"{size:.3g}") for size in voxel_sizes(image.affine)))
    if len(counts := Counter(grids.values())) < 2:
        return []
    usual = counts.most_common(1)[0][0]
    files = {case["case_id"]: str(case["image"]) for case in cases}
    return [
        Problem(
            case_id,
            "other grid",
            files[case_id],
            "{} voxels of {} mm".format(*grid),
            "{} voxels of {} mm, as most of the set".format(*usual),
            "take the set's own file again, or make the set again with `run inferring`",
        )
        for case_id, grid in grids.items()
        if grid != usual
    ]
