"""Predicted masks as NIfTI files on the grid of their images.

Not by MONAI's `SaveImaged`: as of 1.6.1 it names a mask after its image's file instead of its case, so that of two
cases with a ``ct.nii.gz`` one is lost, and a run that is killed as it writes leaves half a file under the final name.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from ignite.engine import Engine, Events
from torch import Tensor

from ..files import replacing
from .decollated import decollated


class LabelWriter:
    """Writes ``<directory>/<case_id>.nii.gz`` (uint8) of each output; attach it to the evaluator.

    Outputs are those of a postprocessing that ends in labels on the image's own grid: ``pred`` (1, H, W, D) with its
    affine. An item without ``case_id`` is named after its image file.

    Args:
        directory: Of the files.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)

    def attach(self, engine: Engine) -> None:
        """Write at each iteration."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.write)

    def write(self, engine: Engine) -> None:
        """Write the masks of this batch."""
        for item, output in decollated(engine):
            mask = nib.Nifti1Image(mask_array(output["pred"]), np.asarray(output["pred"].affine, dtype=float))
            with replacing(self.directory / f"{case_name(item)}.nii.gz") as temporary:
                nib.save(mask, temporary)


def mask_array(prediction: Tensor) -> np.ndarray:
    """Labels (1, H, W, D) as uint8 (H, W, D)."""
    return prediction.detach().cpu().numpy()[0].round().astype(np.uint8)


def case_name(item: Mapping[str, Any]) -> str:
    """``case_id`` of a decollated item, or the name of its image file without its suffix."""
    if "case_id" in item:
        return str(item["case_id"])
    return Path(item["image"].meta["filename_or_obj"]).name.removesuffix(".gz").removesuffix(".nii")
