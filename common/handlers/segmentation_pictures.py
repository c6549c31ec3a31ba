"""Pictures of the worst, the median and the best case of an evaluation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from ignite.engine import Engine, Events
from nibabel.affines import voxel_sizes

from ..data.volume_file import open_volume, read_mask
from ..reports.segmentation_figures import SegmentedCase, plot_segmentations, worst_median_best
from .case_scores import CaseScores


class SegmentationPictures:
    """Draws prediction against ground truth of three cases at the end; attach it behind `LabelWriter` and `CaseScores`.

    Args:
        path: Of the PNG.
        cases: Entries with ``case_id``, ``image`` and ``label``, paths.
        predictions: Folder of `LabelWriter`.
        scores: Whose rows say which case is which.
    """

    def __init__(
        self, path: str | Path, *, cases: Sequence[Mapping[str, Any]], predictions: str | Path, scores: CaseScores
    ) -> None:
        self.path = Path(path)
        self.cases = {case["case_id"]: case for case in cases}
        self.predictions = Path(predictions)
        self.scores = scores

    def attach(self, engine: Engine) -> None:
        """Draw at the end."""
        engine.add_event_handler(Events.COMPLETED, self.draw)

    def draw(self, engine: Engine) -> None:
        """Draw the three, unless no case has a Dice."""
        dice = {row["case_id"]: row["foreground/dice"] for row in self.scores.rows}
        if np.isnan(list(dice.values())).all():
            return
        drawn = []
        for name, case_id in worst_median_best(dice).items():
            case = self.cases[case_id]
            files = (case["image"], self.predictions / f"{case_id}.nii.gz", case["label"])
            volumes = [nib.as_closest_canonical(open_volume(file)) for file in files]
            image, prediction, truth = np.asanyarray(volumes[0].dataobj), *map(read_mask, volumes[1:])
            drawn.append(
                SegmentedCase(f"{name}: {case_id}", image, prediction, truth, tuple(voxel_sizes(volumes[0].affine)))
            )
        plot_segmentations(drawn, path=self.path)
