"""Mask realism: statistics of the masks as distances between distributions."""

from pathlib import Path
from typing import ClassVar

import numpy as np

from ..metrics.mask_realism import RealismRow, mask_realism
from ..reports.mask_figures import position_maps, statistic_histograms
from .findings import Findings, Reads
from .sets import EvaluationSets

_COLUMNS = {
    "real_mean": "real mean",
    "generated_mean": "generated mean",
    "unit": "unit",
    "value": "distance",
    "interval": "95 % interval",
    "standardised": "in real sd",
    "real_absent": "real without",
    "generated_absent": "generated without",
}


class MaskRealism:
    """Number of parts, volume, shape, position and HU of the masks, real against generated.

    Args:
        replicates, splits, seed: As for `compare`.
    """

    reads: ClassVar[Reads] = {"real": ("facts",), "generated": ("facts",)}

    def __init__(self, *, replicates: int = 200, splits: int = 20, seed: int = 0) -> None:
        self.replicates = replicates
        self.splits = splits
        self.seed = seed

    def __call__(self, sets: EvaluationSets, folder: Path) -> Findings:
        """Compare; keys of the metrics are ``mask/region/statistic``."""
        findings = Findings("Masks")
        if "mask" not in sets.views:
            findings.text = ["Left out: a side has no masks."]
            return findings
        real, generated = sets.facts(sets.real), sets.facts(sets.generated)
        statistics = [[fact.statistics for fact in facts] for facts in (real, generated)]
        maps = [np.stack([fact.position for fact in facts if fact.position is not None]) for facts in (real, generated)]
        rows = mask_realism(
            *statistics,
            real_maps=maps[0],
            generated_maps=maps[1],
            replicates=self.replicates,
            splits=self.splits,
            seed=self.seed,
        )
        findings.metrics = {f"mask/{name}": row for name, row in rows.items()}
        for volumes, rows_of_set in zip((sets.real, sets.generated), statistics, strict=True):
            side = "real" if volumes is sets.real else "generated"
            findings.cases |= {(side, name): dict(row) for name, row in zip(volumes.ids, rows_of_set, strict=True)}
        findings.text = [
            "Distance: 1-D Wasserstein distance of the two distributions in the statistic's unit; of 'present' the "
            "difference of the frequencies, of 'position' the total variation distance of the mean position maps. The "
            "floor is that of two random halves of the real cases."
        ]
        findings.tables["Statistics of the masks"] = [
            {"statistic": name, **{title: row.get(key) for key, title in _COLUMNS.items()}, **_floor(row)}
            for name, row in rows.items()
        ]
        picture = statistic_histograms(*statistics, path=folder / "mask_statistics.png")
        findings.figures[picture] = "Statistics of the whole foreground, real and generated"
        if not any(np.isnan(side).all() for side in maps):
            picture = position_maps(*maps, path=folder / "mask_positions.png")
            findings.figures[picture] = "Where the masks lie within the body's box"
        return findings


def _floor(row: RealismRow) -> dict[str, float]:
    """Columns of the floor and of what compares with it."""
    parts = {"floor": row["floor"], "matched": row["matched"]}
    return {f"{name} (N {part['n']})": part["value"] for name, part in parts.items() if part is not None}
