"""Cuts boxes out of volumes, off the centre of their lesion: a crop around a lesion tells a network where it is."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ...files import file_sha256
from ..case import Case
from ..slicer_extent import whole_segmentation
from ..volume_file import open_volume
from .nifti_pair import is_written, recipe_note, write_pair

logger = logging.getLogger(__name__)


def cut_off_centre(
    cases: Sequence[Case], sources: Mapping[str, tuple[Path, Path]], *, cut: Sequence[int], seed: int, workers: int
) -> None:
    """Write a box of each pair in `sources`, by case id, to where its case says, unless it is there already.

    The place is drawn evenly, by `seed` and case id, from all that hold the lesion voxel next to the lesion's mean; of
    a pair without a lesion, from all. The affine moves along, so that a box lies in the patient where it was.

    Args:
        cases: whose `image` and `label` are written, as NIfTI.
        sources: image in HU and mask of one shape, in the formats of `nifti_files`.
        cut: voxels of the box, along the stored axes.
        seed: of the places.
        workers: threads.

    Raises:
        ValueError: a volume is smaller than the box, image and mask differ in shape, or the output is the input.
    """

    def write(case: Case) -> bool:
        image_path, label_path = sources[case.case_id]
        if image_path.parent.resolve() == case.image.parent.resolve():
            raise ValueError(f"{image_path} would be cut in its own place: choose an output other than the input")
        files = [file_sha256(path) for path in (image_path, label_path)]
        note = recipe_note({"cut": list(cut), "seed": seed, "case_id": case.case_id, "files": files})
        if is_written(case, note=note):
            return False
        volume, label = open_volume(image_path), np.asanyarray(whole_segmentation(label_path, image_path).dataobj)
        image = np.asanyarray(volume.dataobj)
        if image.shape != label.shape or np.any(np.array(image.shape) < cut):
            raise ValueError(
                f"{image_path} has the shape {image.shape} and {label_path} {label.shape}: expected one shape of at "
                f"least --cut {','.join(map(str, cut))}; set a smaller --cut, or take the case out"
            )
        start = _start(label, cut, seed=seed, case_id=case.case_id)
        box = tuple(slice(first, first + size) for first, size in zip(start, cut, strict=True))
        affine = np.array(volume.affine, dtype=float)
        affine[:3, 3] += affine[:3, :3] @ start
        image_type = image.dtype if np.issubdtype(image.dtype, np.integer) else np.float32
        write_pair(case, image[box], label[box], affine, note=note, image_type=image_type)
        return True

    with ThreadPoolExecutor(workers) as pool:
        written = sum(pool.map(write, cases))
    logger.info("%d cases, %d of them newly cut to %s voxels", len(cases), written, "×".join(map(str, cut)))


def _start(label: np.ndarray, cut: Sequence[int], *, seed: int, case_id: str) -> np.ndarray:
    """First voxel of the box."""
    rng = np.random.default_rng([seed, int.from_bytes(hashlib.sha256(case_id.encode()).digest()[:8])])
    size = np.array(cut, dtype=np.int64)
    least, most = np.zeros(3, np.int64), np.array(label.shape, dtype=np.int64) - size
    if len(lesion := np.argwhere(label > 0)):
        held = lesion[np.square(lesion - lesion.mean(axis=0)).sum(axis=1).argmin()]
        least, most = np.maximum(least, held - size + 1), np.minimum(most, held)
    return rng.integers(least, most, endpoint=True)
