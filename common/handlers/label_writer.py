"""Predicted masks as NIfTI files on the grid of their images.

Not by MONAI's `SaveImaged`: as of 1.6.1 it names a mask after its image's file instead of its case, so that of two
cases with a ``ct.nii.gz`` one is lost, and a run that is killed as it writes leaves half a file under the final name.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from ignite.engine import Engine, Events
from monai.data import MetaTensor
from torch import Tensor

from ..data.label_map import ordered_values, to_values
from ..data.volume_file import mask_like
from ..files import replacing
from .decollated import decollated


class LabelWriter:
    """Writes ``<directory>/<case_id>.nii.gz`` (uint8, if the values fit) of each output; attach it to the evaluator.

    Outputs are those of a postprocessing that ends in labels on the image's own grid: ``pred`` (1, H, W, D) with its
    affine. An item without ``case_id`` is named after its image file.

    Args:
        directory: Of the files.
        labels: Values that stand in the files for the classes 0, 1, …, such as a model's ``label_names``; by default
            the classes themselves.
    """

    def __init__(self, directory: str | Path, *, labels: Iterable[str | int] = ()) -> None:
        self.directory = Path(directory)
        self.values = ordered_values(labels)

    def attach(self, engine: Engine) -> None:
        """Write at each iteration."""
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.write)

    def write(self, engine: Engine) -> None:
        """Write the masks of this batch."""
        for item, output in decollated(engine):
            values, image = to_values(mask_array(output["pred"]), self.values), image_file(item)
            if image.is_file():  # its header's geometry: whoever reads that otherwise reads the mask alike
                mask = mask_like(values, image)
            else:
                mask = nib.Nifti1Image(values, np.asarray(output["pred"].affine, dtype=float))
            with replacing(self.directory / f"{case_name(item)}.nii.gz") as temporary:
                nib.save(mask, temporary)


def mask_array(prediction: Tensor) -> np.ndarray:
    """Labels (1, H, W, D) as uint8 (H, W, D)."""
    return prediction.detach().cpu().numpy()[0].round().astype(np.uint8)


def image_file(item: Mapping[str, Any]) -> Path:
    """File of a decollated item's image, a tensor that remembers it or the path itself."""
    image = item["image"]
    return Path(image.meta["filename_or_obj"] if isinstance(image, MetaTensor) else image)


def case_name(item: Mapping[str, Any]) -> str:
    """``case_id`` of a decollated item, or the name of its image file without its suffix."""
    if "case_id" in item:
        return str(item["case_id"])
    return image_file(item).name.removesuffix(".gz").removesuffix(".nii")
