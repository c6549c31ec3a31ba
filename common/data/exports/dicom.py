"""Cases as DICOM: a CT series, a SEG and an RTSTRUCT each, which say wherever they can whether they are synthetic."""

import logging
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from pydicom.dataset import Dataset

from ...files import file_sha256, replacing
from ...progress import Progress
from ..itk_file import LPS_TO_RAS
from ..label_map import ordered_values, read_classes
from ..provenance import FILE_NAME, read_provenance
from ..volume_file import open_volume
from .dicom_ct import ct_datasets
from .dicom_header import Origin, as_text
from .dicom_rtstruct import rtstruct_dataset
from .dicom_seg import require_highdicom, seg_dataset
from .gather import Gathered

logger = logging.getLogger(__name__)
_SQUARE = 1e-4  # cosine between axes


def export_dicom(gathered: Gathered, output: Path, *, unlabelled: Collection[str] = (), workers: int = 2) -> None:
    """Write ``<case>/CT/0001.dcm`` …, ``<case>/SEG.dcm`` and ``<case>/RTSTRUCT.dcm`` below `output`.

    Volumes are turned to DICOM's axes, the lowest slice first; voxels stay as they are. All UIDs are new, and follow
    from the files, so that a second export makes the same. A case with an empty mask has neither SEG nor RTSTRUCT, and
    so has a case whose id is in `unlabelled`.

    Raises:
        RuntimeError: highdicom is not installed.
        ValueError: A volume's axes are no right angles, its values do not fit into 16 bits, or labels have one name.
    """
    require_highdicom()
    names = [as_text(gathered.labels[str(value)]) for value in ordered_values(gathered.labels) if value]
    if len(set(names)) < len(names):
        raise ValueError(f"labels are named {names}, expected a name each in the 64 characters of DICOM: rename them")
    origins = _origins(gathered)
    volumes = {case["case_id"]: _as_lps(case["image"]) for case in gathered.cases}
    if rounded := sum(_require_plain(volumes[case["case_id"]], case) for case in gathered.cases):
        logger.warning("%d cases hold fractions of HU, which are rounded to whole numbers in DICOM", rounded)
    write = partial(_write, output=output, names=names, origins=origins, unlabelled=unlabelled)
    with ThreadPoolExecutor(max(1, workers)) as pool:
        empty = sum(Progress(pool.map(write, gathered.cases), "writing DICOM", len(gathered.cases)))
    more = f", {empty} of them with an empty mask, which has no SEG and no RTSTRUCT" if empty else ""
    logger.info("%s: %d cases as DICOM%s", output, len(gathered.cases), more)


def _origins(gathered: Gathered) -> dict[str, Origin]:
    """Where each case comes from, by its id."""
    maker: dict[str, Any] = {}
    if gathered.generator is not None and (gathered.generator.directory / FILE_NAME).is_file():
        maker = read_provenance(gathered.generator.directory)
    bundle, checkpoint = maker.get("bundle") or {}, maker.get("checkpoint") or {}
    made = {case["case_id"] for case in gathered.generated}
    return {
        case["case_id"]: Origin(
            case_id=case["case_id"],
            patient=str(case.get("patient", case["case_id"])),
            synthetic=case["case_id"] in made or bool(case.get("generated")),
            model=str(bundle.get("name") or "unknown generator"),
            version=str(bundle.get("version") or "unknown"),
            serial=str(checkpoint.get("sha256") or "0")[:16],
            key=f"{case['case_id']} {file_sha256(case['image'])} {file_sha256(case['label'])}",
        )
        for case in gathered.cases
    }


def _write(
    case: Mapping[str, Any],
    *,
    output: Path,
    names: Sequence[str],
    origins: Mapping[str, Origin],
    unlabelled: Collection[str],
) -> bool:
    """Write one case; whether its mask is empty."""
    origin, folder = origins[case["case_id"]], output / case["case_id"]
    image = _as_lps(case["image"])
    hu = np.rint(np.asarray(image.dataobj)).astype(np.int16)
    slices = ct_datasets(hu.transpose(2, 1, 0), np.asarray(image.affine), origin)
    for number, data in enumerate(slices, 1):
        _save(data, folder / "CT" / f"{number:04d}.dcm")
    if case["case_id"] in unlabelled:
        return False
    classes = _turned(read_classes(case), case["label"]).transpose(2, 1, 0).astype(np.uint8)
    if not classes.any():
        return True
    _save(rtstruct_dataset(slices, classes, names, origin), folder / "RTSTRUCT.dcm")
    _save(seg_dataset(slices, classes, names, origin), folder / "SEG.dcm")
    return False


def _save(data: Dataset, path: Path) -> None:
    with replacing(path) as temporary:
        data.save_as(temporary, enforce_file_format=True)


def _as_lps(path: str | Path) -> Any:
    """The volume with axes that point left, posterior, superior, as near as they come; its affine in DICOM's mm."""
    volume = open_volume(path)
    turned = volume.as_reoriented(_turn(volume.affine).tolist())
    return nib.Nifti1Image(turned.dataobj, LPS_TO_RAS @ turned.affine)


def _turn(affine: np.ndarray) -> np.ndarray:
    lps = nib.orientations.axcodes2ornt(("L", "P", "S"))
    return nib.orientations.ornt_transform(nib.io_orientation(affine), lps)


def _turned(values: np.ndarray, path: str | Path) -> np.ndarray:
    return nib.orientations.apply_orientation(values, _turn(open_volume(path).affine))


def _require_plain(volume: Any, case: Mapping[str, Any]) -> bool:
    """Refuse what DICOM cannot say; whether values are fractions."""
    axes = volume.affine[:3, :3] / np.linalg.norm(volume.affine[:3, :3], axis=0)
    if np.abs(axes.T @ axes - np.eye(3)).max() > _SQUARE:
        raise ValueError(
            f"{case['image']} has axes that are not at right angles, expected some that DICOM can say: resample it"
        )
    values = np.asarray(volume.dataobj)
    limits = np.iinfo(np.int16)
    if values.min() < limits.min or values.max() > limits.max:
        raise ValueError(
            f"{case['image']} holds {values.min():g} to {values.max():g}, expected HU from {limits.min} to "
            f"{limits.max}: clip it, or leave the case out"
        )
    return not np.array_equal(values, np.rint(values))
