"""One case of the phantom: image, label and affine, a pure function of index, size, seed and parameters."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..files import parse_yaml
from .anatomy import draw_anatomy
from .jaw import filling_centres
from .lesions import draw_lesions, paint_lesions, voxel_labels
from .patient import draw_patient
from .scanner import scan, scan_grid

PARAMETERS = Path(__file__).with_name("parameters.yaml")
Lesions = Literal["typical", "large"]


def load_parameters(path: Path = PARAMETERS, *, lesions: Lesions = "typical") -> dict[str, Any]:
    """The phantom's table of numbers; `large` lesions are those of `large_lesions.yaml`."""
    table = parse_yaml(path.read_text(encoding="utf-8"))
    if lesions == "typical":
        return table
    return _laid_over(table, parse_yaml(path.with_name(f"{lesions}_lesions.yaml").read_text(encoding="utf-8")))


def _laid_over(table: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    nested = {key: _laid_over(table[key], value) if isinstance(value, dict) else value for key, value in other.items()}
    return {**table, **nested}


def phantom_case(
    index: int, *, size: Sequence[int] = (64, 64, 32), seed: int = 0, parameters: Mapping[str, Any] | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One patient: the same anatomy at every `size`, another one for every `index` and `seed`.

    Args:
        index: number of the case, from 0; also decides its centre, see `phantom_centre`.
        size: voxels along x, y, z; the field of view stays, so more voxels are smaller ones.
        seed: seed of the whole data set.
        parameters: table as `load_parameters` gives it, which is the default.

    Returns:
        Image (int16, HU), label (uint8: 0 background, 1 tumour, 2 lymph node), affine (4, 4) to RAS mm.

    Raises:
        ValueError: an axis of `size` has fewer than 8 voxels.
    """
    if len(size) != 3 or min(size) < 8:
        raise ValueError(f"phantom size {tuple(size)}: expected three axes of at least 8 voxels, such as (64, 64, 32)")
    table = load_parameters() if parameters is None else parameters
    anatomy, lesions, noise = (np.random.default_rng([seed, index, stream]) for stream in range(3))
    centre = table["centres"][phantom_centre(index, parameters=table)]
    patient = draw_patient(anatomy, table)
    canvas = draw_anatomy(scan_grid(centre, size, table["scanner"]["middle"]), patient, table)
    tumour, nodes = draw_lesions(lesions, table["lesions"], table["tissues"]["muscle"]["hu"])
    fine = paint_lesions(canvas, tumour, nodes, table["lesions"])
    label = voxel_labels(canvas, fine, table["lesions"]["bone"])
    image = scan(noise, canvas, filling_centres(patient, table), centre, table)
    return image, label, canvas.grid.affine


def phantom_centre(index: int, *, parameters: Mapping[str, Any]) -> str:
    """Centre of a case: any first n cases hold the centres in the proportions of their shares, to within one case."""
    names = list(parameters["centres"])
    shares = np.array([parameters["centres"][name]["share"] for name in names], float)
    given = np.zeros(len(names))
    for n in range(index + 1):
        due = int(np.argmax(shares / shares.sum() * (n + 1) - given))
        given[due] += 1
    return names[due]
