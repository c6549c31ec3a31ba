"""Pair consistency: does a segmenter trained on real data find the lesion where the generated mask has it?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..runs.bundle_predictions import require_segmenter
from .findings import Findings
from .pair_consistency import pair_consistency
from .sets import EvaluationSets


class PairConsistency:
    """Dice between each generated mask and the segmenter's on the generated image; real pairs are the reference.

    Args:
        segmenter: Folder of a MONAI bundle with an inference config, or the config; see `pair_consistency`.
        overrides: Of that config.
        cases: How many of each side are segmented, the first ones; None is all.
        seed: Of the intervals.
        joined: Whether the set has joined labels that the real files keep apart. Label 1 of a real file is then a
            part of what it is in the set, and the foreground alone is compared.

    Raises:
        FileNotFoundError, ValueError: See `require_segmenter`.
    """

    def __init__(
        self,
        segmenter: str | Path,
        *,
        overrides: Mapping[str, Any] | None = None,
        cases: int | None = None,
        seed: int = 0,
        joined: bool = False,
    ) -> None:
        require_segmenter(segmenter, overrides or {})
        self.segmenter = segmenter
        self.overrides = dict(overrides or {})
        self.cases = cases
        self.seed = seed
        self.joined = joined

    def __call__(self, sets: EvaluationSets, folder: Path) -> Findings:
        """Predict and compare; keys of the metrics are ``consistency/region``."""
        findings = Findings("Pair consistency")
        if "mask" not in sets.views:
            findings.text = ["Left out: a side has no masks."]
            return findings
        result = pair_consistency(
            self.segmenter,
            sets.generated.cases[: self.cases],
            real=sets.held_out.cases[: self.cases],
            work_dir=folder.parent / "predictions",
            labels=[] if self.joined else sets.labels,
            segmenter_overrides=self.overrides,
            seed=self.seed,
        )
        findings.metrics = {f"consistency/{region}": rows for region, rows in result.items()}
        for region, rows in result.items():
            for side in ("real", "generated"):
                for name, dice in rows.get(side, {}).get("cases", {}).items():
                    findings.cases.setdefault((side, name), {})[f"dice/{region}"] = dice
        findings.text = [
            "Dice of the segmenter's masks with those of the pairs; a perfect generator scores like the real pairs."
        ]
        if undrawn := [region for region, rows in result.items() if region != "foreground" and _never_drawn(rows)]:
            findings.text.append(
                f"The segmenter drew none of {', '.join(undrawn)}. If it joins labels into one, as the thesis "
                "does for binary masks, the foreground alone compares."
            )
        findings.tables["Dice"] = [
            {"region": region, "pairs": side, **{key: value for key, value in row.items() if key != "cases"}}
            for region, rows in result.items()
            for side, row in rows.items()
        ]
        return findings


def _never_drawn(rows: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether masks have the region, and no prediction has, on neither side."""
    sides = [rows[side] for side in ("generated", "real") if side in rows and rows[side]["n"]]
    return bool(sides) and all(row["empty_predictions"] == row["n"] for row in sides)
