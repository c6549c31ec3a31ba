"""Scores of each predicted mask and their summary, as files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ignite.engine import Engine, Events
from nibabel.affines import voxel_sizes

from ..data.label_map import to_values
from ..data.volume_file import open_volume, read_mask, same_place
from ..files import write_csv, write_json
from ..metrics.lesions import IOU
from ..metrics.segmentation import TOLERANCE, segmentation_scores, summary
from .decollated import decollated
from .label_writer import case_name, mask_array


class CaseScores:
    """Compares each output with the mask file of its case; leaves ``cases.csv`` and ``metrics.json``.

    Items name the ground truth by ``label``, a path; outputs are as for `LabelWriter`.

    Args:
        directory: Of the two files.
        labels: Foreground values of the mask files, of the classes 1, 2, … in order, that are scored by themselves,
            beside the joined foreground.
        binary: Whether the segmenter knows one foreground only: the ground truth's labels are joined.
        notes: What was scored, such as checkpoints and data list; plain values, put into ``metrics.json``.
        tolerance: Of the surface Dice, in mm.
        iou: That a lesion is found at.
        replicates, seed: Of the bootstrap.

    Raises:
        ValueError: A mask file lies on another grid than its image.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        labels: Sequence[int] = (),
        binary: bool = True,
        notes: Mapping[str, Any] | None = None,
        tolerance: float = TOLERANCE,
        iou: float = IOU,
        replicates: int = 2000,
        seed: int = 0,
    ) -> None:
        self.directory = Path(directory)
        self.labels = () if binary else tuple(labels)
        self.binary = binary
        self.notes = {**(notes or {}), "nsd_tolerance_mm": tolerance, "lesion_iou": iou}
        self.limits = {"tolerance": tolerance, "iou": iou}
        self.replicates, self.seed = replicates, seed
        self.rows: list[dict[str, Any]] = []

    def attach(self, engine: Engine) -> None:
        """Score at each iteration, write at the end."""
        engine.add_event_handler(Events.STARTED, lambda _: self.rows.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.score)
        engine.add_event_handler(Events.COMPLETED, self.write)

    def score(self, engine: Engine) -> None:
        """Score the masks of this batch."""
        for item, output in decollated(engine):
            prediction, affine = mask_array(output["pred"]), np.asarray(output["pred"].affine)
            truth = open_volume(item["label"])
            if truth.shape != prediction.shape or not same_place(truth.affine, affine, truth.shape):
                raise ValueError(
                    f"{item['label']} has shape {truth.shape}, expected the grid of its image, {prediction.shape}: "
                    "resample the mask to it (`python -m common.data check` finds all such cases)"
                )
            labels = read_mask(truth, path=item["label"])
            prediction = to_values(prediction, (0, *self.labels)) if self.labels else prediction
            labels = labels > 0 if self.binary else labels
            spacing = voxel_sizes(truth.affine)
            scores = segmentation_scores(prediction, labels, spacing=spacing, labels=self.labels, **self.limits)
            self.rows.append({"case_id": case_name(item), "centre": item.get("centre", ""), **scores})

    def write(self, engine: Engine) -> None:
        """Write both files."""
        write_csv(self.rows, self.directory / "cases.csv")
        scores = summary(self.rows, replicates=self.replicates, seed=self.seed)
        write_json({**self.notes, "scores": scores}, self.directory / "metrics.json")
