"""Fidelity: scores over features, each with interval, real-vs-real floor and protocol."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..metrics.comparison import ScoreRow, SetRow, compare, describe
from ..metrics.resampling import Score
from ..reports.score_figure import plot_scores
from .findings import Findings, Reads
from .sets import EvaluationSets


class Fidelity:
    """Scores of every extractor and view (thesis 3.9; design section 8).

    Args:
        scores: Of two sets, by name: callables over features (N, d) and (M, d).
        single: Of one set, by name, such as the inception score.
        replicates: Of the 95 % intervals.
        splits: Of the floor.
        seed: Of both.
    """

    reads: ClassVar[Reads] = {"real": ("features",), "generated": ("features",)}

    def __init__(
        self,
        scores: Mapping[str, Score],
        *,
        single: Mapping[str, Score] | None = None,
        replicates: int = 200,
        splits: int = 20,
        seed: int = 0,
    ) -> None:
        self.scores = dict(scores)
        self.single = dict(single or {})
        self.replicates = replicates
        self.splits = splits
        self.seed = seed

    def __call__(self, sets: EvaluationSets, folder: Path) -> Findings:
        """Score; keys of the metrics are ``score/view/extractor``."""
        rows: dict[str, ScoreRow] = {}
        one_set: dict[str, dict[str, SetRow]] = {}
        for place, real, generated in _features(sets):
            two = compare(self.scores, real, generated, replicates=self.replicates, splits=self.splits, seed=self.seed)
            one = describe(self.single, real, generated, replicates=self.replicates, seed=self.seed)
            rows |= {f"{name}/{place}": row for name, row in two.items()}
            one_set |= {f"{name}/{place}": row for name, row in one.items()}
        findings = Findings("Fidelity", metrics={**rows, **one_set})
        findings.text = [
            "Each score stands beside its floor: what two disjoint random halves of the real cases score against each "
            "other. 'matched' is the generated set at the floor's sample size, against the same real halves: compare "
            "these two. Scores of different extractors or sample sizes do not compare.",
            "Views: 'pair' is the image with its mask burned in, which notices masks that do not fit their image; "
            "'image' and 'mask' are each by itself; 'z_concat' is the thesis's pair, mask slices behind image slices.",
            "fid, kid and mmd: lower is better. precision and density: how many samples look real; recall and "
            "coverage: how much of the real variety they reach; higher is better. alpha_precision and beta_recall are "
            "the same two over the whole distribution (Alaa et al. 2022), 1 is best. inception: softmax over pooled "
            "features as in the thesis, a convention without a classifier behind it.",
        ]
        findings.text += sorted({f"{key.split('/')[0]}: {row['note']}" for key, row in rows.items() if "note" in row})
        findings.tables["Scores of two sets"] = [_two_sets(key, row) for key, row in rows.items()]
        findings.tables["Scores of one set"] = [_one_set(key, row) for key, row in one_set.items()]
        picture = plot_scores(rows, path=folder / "scores.png")
        findings.figures[picture] = "Matched score (red) and floor (blue) at equal sample sizes, with 95 % ranges"
        return findings


def _features(sets: EvaluationSets) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """``view/extractor`` with the features of the real and of the generated set."""
    for extractor in sets.reader.extractors:
        real, generated = (sets.features(side, extractor) for side in (sets.real, sets.generated))
        for view in sets.views:
            yield f"{view}/{extractor}", real[view], generated[view]


def _two_sets(key: str, row: ScoreRow) -> dict[str, Any]:
    """Row of the page's table."""
    score, view, extractor = key.split("/")
    floor, matched = row["floor"], row["matched"]
    return {
        "score": score,
        "view": view,
        "extractor": extractor,
        "value": row["value"],
        "95 % interval": row["interval"],
        "N real": row["n_real"],
        "N generated": row["n_generated"],
        "matched": matched and matched["value"],
        "floor": floor and floor["value"],
        "floor's 95 % range": floor and floor["interval"],
        "N of floor": floor and floor["n"],
    }


def _one_set(key: str, row: Mapping[str, SetRow]) -> dict[str, Any]:
    score, view, extractor = key.split("/")
    sides = {
        f"{side} {name}": row[side].get(name) for side in ("real", "generated") for name in ("value", "interval", "n")
    }
    return {"score": score, "view": view, "extractor": extractor, **sides}
