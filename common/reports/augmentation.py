"""Pictures of an augmented set: cases before, and their copies after."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.affines import voxel_sizes

from ..data.augmented_set import AugmentedSet, Copy
from ..data.datalist import foreground_names
from ..data.label_map import read_classes
from ..data.sources.nifti_pair import pair_paths
from ..data.volume_file import open_volume
from .slices import pair_grid

_Volumes = tuple[np.ndarray, np.ndarray, list[float]]


def augmentation_previews(
    augmented: AugmentedSet, *, count: int = 2, window: Sequence[float] = (-1024, 600)
) -> list[Path]:
    """``previews/<kind>.png`` in the set's folder for each kind: a row of each of the first cases, then of its copies.

    Axial, coronal and sagittal slices, plain and with the mask, all at one scale in mm.

    Args:
        augmented: The set, written.
        count: Cases of each picture; 0 is none.
        window: HU shown as black and white.
    """
    if not count:
        return []
    shown = {case["case_id"] for case in augmented.cases[:count]}
    copies = [copy for copy in augmented.made() if copy.source["case_id"] in shown]
    before = {case["case_id"]: _loaded(augmented, case) for case in augmented.cases[:count]}
    by_kind = {kind: [copy for copy in copies if copy.kind == kind] for kind in augmented.kinds}
    return [_draw(augmented, before, chosen, window=window) for chosen in by_kind.values() if chosen]


def _draw(
    augmented: AugmentedSet, before: Mapping[str, _Volumes], copies: Sequence[Copy], *, window: Sequence[float]
) -> Path:
    rows: list[tuple[str, _Volumes]] = []
    for case_id, group in groupby(copies, key=lambda copy: copy.source["case_id"]):
        rows.append((f"{case_id}, before", before[case_id]))
        rows += [(f"{copy.kind} {copy.number}", _written(augmented, copy)) for copy in group]
    images, masks, spacings = zip(*(volumes for _, volumes in rows), strict=True)
    return pair_grid(
        images,
        masks,
        path=augmented.directory / "previews" / f"{copies[0].kind}.png",
        window=window,
        spacing=spacings,
        names=[name for name, _ in rows],
        label_names=foreground_names(augmented.content["labels"]),
    )


def _loaded(augmented: AugmentedSet, case: Mapping[str, Any]) -> _Volumes:
    item = augmented.load(dict(case))
    spacing = voxel_sizes(np.asarray(item["image"].affine)).tolist()
    return np.asarray(item["image"])[0], np.asarray(item["label"])[0], spacing


def _written(augmented: AugmentedSet, copy: Copy) -> _Volumes:
    files = pair_paths(augmented.directory, copy.case_id)
    image, label = open_volume(files[0]), read_classes({**copy.source, "label": files[1]})
    return np.asanyarray(image.dataobj), label, voxel_sizes(image.affine).tolist()
