"""What the answers of a reader study tell: can readers see which volumes are generated, and do they agree?"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

import krippendorff
import numpy as np
from scipy.stats import binomtest, mannwhitneyu

from .answers import UNDECIDED
from .drawing import Source

Row = Mapping[str, Any]
_SIDES: tuple[Source, ...] = ("real", "generated")


class Accuracy(TypedDict):
    """How often decided answers are right."""

    decided: int
    correct: int
    accuracy: float | None
    accuracy_interval: list[float] | None
    accuracy_p: float | None
    true_positive_rate: float | None
    true_negative_rate: float | None


class Ranks(TypedDict):
    """How far generated volumes get higher scores than real ones."""

    auc: float | None
    mann_whitney_u: float | None
    mann_whitney_p: float | None


class Discrimination(Accuracy, Ranks):
    """What `discrimination` tells."""

    n_real: int
    n_generated: int
    mean_real: float | None
    mean_generated: float | None


class Agreement(TypedDict):
    """Krippendorff's alpha of scores and of verdicts."""

    alpha_scores: float | None
    alpha_verdicts: float | None


class VolumeRow(TypedDict):
    """The answers to one volume."""

    number: int
    source: Source
    case_id: str
    answers: int
    mean_score: float
    lowest: int
    highest: int


class StudyStatistics(TypedDict):
    """What `study_statistics` tells."""

    readers: dict[str, Discrimination]
    pooled: Discrimination
    volume_means: Discrimination
    agreement: Agreement


def discrimination(rows: Sequence[Row], *, level: float = 0.95) -> Discrimination:
    """How well scores tell generated volumes from real ones.

    Args:
        rows: Answers with ``source`` (real or generated) and ``score``, 0 surely real … 10 surely generated.
        level: Of the interval.

    Returns:
        Counts and mean scores of both sides; ``accuracy`` over the decided answers (score 5 decides nothing) with its
        Clopper-Pearson ``accuracy_interval`` and ``accuracy_p`` against guessing, ``true_positive_rate`` (generated
        ones found) and ``true_negative_rate``; ``auc`` and ``mann_whitney_u`` of the generated scores with their
        two-sided ``mann_whitney_p``. What has no answers to rest on is None.
    """
    real, generated = (np.array([row["score"] for row in rows if row["source"] == side]) for side in _SIDES)
    return {
        "n_real": len(real),
        "n_generated": len(generated),
        "mean_real": _mean(real),
        "mean_generated": _mean(generated),
        **_accuracy(real, generated, level),
        **_ranks(real, generated),
    }


def _mean(scores: np.ndarray) -> float | None:
    return float(scores.mean()) if len(scores) else None


def _accuracy(real: np.ndarray, generated: np.ndarray, level: float) -> Accuracy:
    right = {"real": int((real < UNDECIDED).sum()), "generated": int((generated > UNDECIDED).sum())}
    decided = {"real": int((real != UNDECIDED).sum()), "generated": int((generated != UNDECIDED).sum())}
    n, k = sum(decided.values()), sum(right.values())
    test = binomtest(k, n) if n else None
    interval = test.proportion_ci(level, method="exact") if test else None
    return {
        "decided": n,
        "correct": k,
        "accuracy": k / n if n else None,
        "accuracy_interval": [float(interval.low), float(interval.high)] if interval else None,
        "accuracy_p": float(test.pvalue) if test else None,
        "true_positive_rate": right["generated"] / decided["generated"] if decided["generated"] else None,
        "true_negative_rate": right["real"] / decided["real"] if decided["real"] else None,
    }


def _ranks(real: np.ndarray, generated: np.ndarray) -> Ranks:
    if not (len(real) and len(generated)):
        return {"auc": None, "mann_whitney_u": None, "mann_whitney_p": None}
    test = mannwhitneyu(generated, real, alternative="two-sided")
    auc = test.statistic / (len(real) * len(generated))  # the area under the ROC curve is U as a share of all pairs
    p = 1.0 if np.isnan(test.pvalue) else test.pvalue  # all scores equal
    return {"auc": float(auc), "mann_whitney_u": float(test.statistic), "mann_whitney_p": float(p)}


def agreement(rows: Sequence[Row]) -> Agreement:
    """Krippendorff's alpha between readers, of the scores (ordinal) and of the decided verdicts (nominal).

    1 is full agreement, 0 is chance; None where no volume has two answers or all answers are one value.
    """
    readers = {name: place for place, name in enumerate(dict.fromkeys(row["reader"] for row in rows))}
    volumes = {number: place for place, number in enumerate(sorted({row["number"] for row in rows}))}
    table = np.full((len(readers), len(volumes)), np.nan)  # scores, NaN where there is none
    for row in rows:
        table[readers[row["reader"]], volumes[row["number"]]] = row["score"]
    verdicts = np.where(table == UNDECIDED, np.nan, np.where(np.isnan(table), np.nan, table > UNDECIDED))
    return {"alpha_scores": _alpha(table, "ordinal"), "alpha_verdicts": _alpha(verdicts, "nominal")}


def _alpha(table: np.ndarray, level: Literal["ordinal", "nominal"]) -> float | None:
    known = ~np.isnan(table)
    paired = known[:, known.sum(0) > 1]
    if not paired.any() or len(np.unique(table[:, known.sum(0) > 1][paired])) < 2:
        return None
    return float(krippendorff.alpha(reliability_data=table, level_of_measurement=level))


def study_statistics(rows: Sequence[Row]) -> StudyStatistics:
    """Statistics per reader, pooled over all answers, of the volumes' mean scores, and the readers' agreement."""
    names = dict.fromkeys(row["reader"] for row in rows)
    return {
        "readers": {name: discrimination([row for row in rows if row["reader"] == name]) for name in names},
        "pooled": discrimination(rows),
        "volume_means": discrimination([{**row, "score": row["mean_score"]} for row in volume_means(rows)]),
        "agreement": agreement(rows),
    }


def volume_means(rows: Sequence[Row]) -> list[VolumeRow]:
    """A row for each volume that has an answer, by number."""
    volumes: dict[int, list[Row]] = {}
    for row in rows:
        volumes.setdefault(row["number"], []).append(row)
    means: list[VolumeRow] = []
    for number, answers in sorted(volumes.items()):
        scores = [row["score"] for row in answers]
        means.append(
            {
                "number": number,
                "source": answers[0]["source"],
                "case_id": answers[0]["case_id"],
                "answers": len(scores),
                "mean_score": sum(scores) / len(scores),
                "lowest": min(scores),
                "highest": max(scores),
            }
        )
    return means
