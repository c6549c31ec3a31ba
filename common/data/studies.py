"""Prepared data as the studies that a MONAI Label server reads: a folder of NIfTI, or DICOM for an archive."""

import logging
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np

from ..files import replacing
from .datalist import read_datalist, select_cases
from .label_map import read_classes
from .volume_file import mask_like

logger = logging.getLogger(__name__)
MASKS = Path("labels") / "final"  # where MONAI Label keeps submitted labels; it trains on those


def write_studies(dataset_dir: Path, output: Path) -> None:
    """Put images of all cases into `output`, as links, and masks of the training cases into ``output/labels/final``.

    Test cases come without their masks: they are what is left to label. Masks are copies, as MONAI Label writes over
    the ones that are corrected; what lies there already is left alone. They hold classes: MONAI Label knows labels by
    their place among the model's channels.

    Args:
        dataset_dir: Folder of ``datalist.json``.
        output: Filled.
    """
    datalist = read_datalist(dataset_dir / "datalist.json")
    labelled = select_cases(datalist, dataset_dir=dataset_dir)
    unlabelled = select_cases(datalist, folds="testing", dataset_dir=dataset_dir)
    (output / MASKS).mkdir(parents=True, exist_ok=True)
    for case in [*labelled, *unlabelled]:
        link = output / f"{case['case_id']}.nii.gz"
        if not link.is_symlink():
            link.symlink_to(Path(case["image"]).resolve())
    for case in labelled:
        target = output / MASKS / f"{case['case_id']}.nii.gz"
        if not target.exists():
            with replacing(target) as temporary:
                if "label_values" in case:
                    nib.save(mask_like(read_classes(case).astype(np.uint8), case["label"]), temporary)
                else:
                    shutil.copyfile(case["label"], temporary)
    logger.info("%s: %d studies with a label, %d without", output, len(labelled), len(unlabelled))


def write_dicom_studies(dataset_dir: Path, output: Path) -> None:
    """Write all cases as DICOM below `output`, a folder each: training cases with their masks, test cases without.

    Args:
        dataset_dir: Folder of ``datalist.json``.
        output: Filled; for an archive of DICOM, which then holds what is submitted.
    """
    from .exports.dicom import export_dicom  # pydicom
    from .exports.gather import gather

    gathered = gather(datalist=None, dataset_dir=dataset_dir, generated_dir=None)
    export_dicom(gathered, output, unlabelled={case["case_id"] for case in gathered.testing})
