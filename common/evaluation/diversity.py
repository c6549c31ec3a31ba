"""Diversity: how alike the volumes of one set are, by MS-SSIM."""

from pathlib import Path
from typing import Any

import numpy as np

from ..metrics.diversity import multi_scale_ssim
from ..metrics.resampling import case_interval
from .findings import Findings
from .sets import EvaluationSets
from .volume_set import VolumeSet


class Diversity:
    """Mean MS-SSIM of random pairs of generated images, and of real ones as the reference.

    Args:
        pairs: Of each side.
        seed: Of the pairs and of the interval.
    """

    def __init__(self, *, pairs: int = 50, seed: int = 0) -> None:
        self.pairs = pairs
        self.seed = seed

    def __call__(self, sets: EvaluationSets, folder: Path) -> Findings:
        """Compare the two sides."""
        sides = {"real": sets.real, "generated": sets.generated}
        rows = {side: self._row(volumes, sets.window) for side, volumes in sides.items()}
        findings = Findings("Diversity", metrics={"ms_ssim/image": rows})
        findings.text = [
            "MS-SSIM between random pairs of one set: 1 for equal volumes. A generated set above the real one repeats "
            "itself; far below, its images lack the common anatomy."
        ]
        findings.tables["MS-SSIM of images"] = [{"set": side, **row} for side, row in rows.items()]
        return findings

    def _row(self, volumes: VolumeSet, window: tuple[float, float]) -> dict[str, Any]:
        if len(volumes) < 2:
            return {"value": None, "interval": None, "pairs": 0, "note": "needs two volumes"}
        images = _Images(volumes.volumes)
        values = multi_scale_ssim(images, pairs=self.pairs, data_range=window, seed=self.seed)
        interval = case_interval(values, statistic=np.mean, replicates=1000, seed=self.seed)
        return {"value": float(values.mean()), "interval": interval, "pairs": len(values)}


class _Images:
    """Images of a set's items, loaded when asked for."""

    def __init__(self, items: Any) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index]["image"]
