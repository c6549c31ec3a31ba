"""The embedded source: procedural head-and-neck CT with known ground truth, nothing to download."""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from ...phantom.generate import Lesions, load_parameters, phantom_case, phantom_centre
from ..case import Case
from .nifti_pair import is_written, pair_paths, recipe_note, write_pair

logger = logging.getLogger(__name__)


def prepare_phantom(
    output_dir: str | Path,
    *,
    count: int = 48,
    size: Sequence[int] = (64, 64, 32),
    seed: int = 0,
    workers: int = 2,
    lesions: Lesions = "typical",
    parameters: Mapping[str, Any] | None = None,
) -> list[Case]:
    """Write phantom cases as NIfTI pairs, `images/<id>.nii.gz` (int16 HU) and `labels/<id>.nii.gz` (uint8, 0-2).

    A case depends on its number, `size`, `seed` and the table only. Finished ones are left alone.

    Args:
        output_dir: folder of the two folders.
        count: number of cases; the first n of a larger set are the set of n.
        size: voxels along x, y, z.
        seed: seed of the set.
        workers: threads.
        lesions: typical ones, tumour and nodes; or large, one bright tumour that a small network learns.
        parameters: table in place of the package's `parameters.yaml`.

    Returns:
        The cases in order, centre and patient known.

    Raises:
        ValueError: `count` or `workers` below 1, or `size` too small.
    """
    if count < 1 or workers < 1:
        raise ValueError(f"phantom: count={count}, workers={workers}: both must be at least 1")
    table = load_parameters(lesions=lesions) if parameters is None else parameters
    write = partial(_write_case, directory=Path(output_dir), size=tuple(size), seed=seed, parameters=table)
    with ThreadPoolExecutor(workers) as pool:  # numpy and scipy let go of the lock in their loops
        written = list(pool.map(write, range(count)))
    logger.info("phantom: %d cases in %s, %d of them new", count, output_dir, sum(new for _, new in written))
    return [case for case, _ in written]


def _write_case(
    index: int, *, directory: Path, size: tuple[int, ...], seed: int, parameters: Mapping[str, Any]
) -> tuple[Case, bool]:
    """Write one case unless it is there already; tells whether it was written."""
    centre = phantom_centre(index, parameters=parameters)
    case_id = f"phantom_{centre}_{index:03d}"
    case = Case(case_id, *pair_paths(directory, case_id), centre=centre, patient=case_id)
    note = recipe_note({"index": index, "size": size, "seed": seed, "parameters": parameters})
    if is_written(case, note=note):
        return case, False
    image, label, affine = phantom_case(index, size=size, seed=seed, parameters=parameters)
    write_pair(case, image, label, affine, note=note)
    return case, True
