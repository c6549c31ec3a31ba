"""Does an arm of an experiment segment the same test cases better than the baseline does?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from .resampling import case_interval
from .segmentation import mean_row

Scores = Mapping[str, float | None]
COMPARISON = ("difference", "difference_low", "difference_high", "p", "p_holm", "better", "worse", "equal")


def compare_arms(
    arms: Mapping[str, Scores], *, baseline: str, replicates: int = 2000, seed: int = 0
) -> list[dict[str, Any]]:
    """A row for each arm, in their order: its mean Dice, and its paired comparison with the baseline.

    Args:
        arms: Dice of each test case by case id, by arm. NaN or None marks a case whose truth is empty: it is left out
            of all arms.
        baseline: Arm that the others are compared with.
        replicates: Of the bootstrap over cases; every arm draws the same cases.
        seed: Of it.

    Returns:
        Rows ``arm``, ``n`` (cases), ``unscored``, ``mean``, ``low``, ``high`` (95 % interval); ``difference`` (arm
        minus baseline, mean over cases), ``difference_low``, ``difference_high``; ``p`` (two-sided Wilcoxon signed-rank
        test over cases) and ``p_holm`` (Holm 1979, over all arms compared); ``better``, ``worse``, ``equal`` (cases).
        None where there is nothing to compare: in the baseline's row from ``difference`` on, intervals of one case.

    Raises:
        ValueError: No such baseline, arms of different cases, a case without Dice in some arms only, or in all cases.
    """
    table, unscored = _paired(arms, baseline)
    rows: list[dict[str, Any]] = []
    for name, dice in table.items():
        mean = mean_row(dice, replicates=replicates, seed=seed)
        low, high = mean["interval"] or (None, None)
        row = {"arm": name, "n": mean["n"], "unscored": unscored, "mean": mean["value"], "low": low, "high": high}
        comparison = dict.fromkeys(COMPARISON)
        if name != baseline:
            comparison |= _compared(dice - table[baseline], replicates, seed)
        rows.append(row | comparison)
    compared = [row for row in rows if row["p"] is not None]
    for row, p in zip(compared, holm([row["p"] for row in compared]), strict=True):
        row["p_holm"] = p
    return rows


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: the k-th smallest of m times m - k + 1, never below the one before, at most 1."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return corrected.tolist()


def _paired(arms: Mapping[str, Scores], baseline: str) -> tuple[dict[str, np.ndarray], int]:
    """Dice of the scored cases in one order for all arms, and the number of cases left out."""
    if baseline not in arms:
        raise ValueError(f"no arm '{baseline}' to compare with, there are {sorted(arms)}")
    cases = sorted({case for scores in arms.values() for case in scores})
    for name, scores in arms.items():
        if missing := [case for case in cases if case not in scores]:
            raise ValueError(
                f"arm '{name}' lacks {len(missing)} of {len(cases)} test cases ({_some(missing)}): evaluate every arm "
                "on the same data list"
            )
    table = {name: np.array([scores[case] for case in cases], dtype=float) for name, scores in arms.items()}
    empty = np.isnan(table[baseline])
    for name, dice in table.items():
        if differing := [case for case, one in zip(cases, np.isnan(dice) != empty, strict=True) if one]:
            raise ValueError(
                f"{_some(differing)}: a Dice in only one of the arms '{baseline}' and '{name}'; an empty truth is "
                "empty in every arm, so they were scored against different labels"
            )
    if empty.all():
        raise ValueError(f"none of {len(cases)} test cases has a Dice, nothing to compare")
    return {name: dice[~empty] for name, dice in table.items()}, int(empty.sum())


def _compared(differences: np.ndarray, replicates: int, seed: int) -> dict[str, Any]:
    differences = differences.round(12)  # equal differences shall tie in the ranks, whatever their last bit
    interval = case_interval(differences, statistic=np.mean, replicates=replicates, seed=seed)
    low, high = interval or (None, None)
    return {
        "difference": float(differences.mean()),
        "difference_low": low,
        "difference_high": high,
        "p": float(wilcoxon(differences).pvalue) if differences.any() else 1.0,
        "better": int((differences > 0).sum()),
        "worse": int((differences < 0).sum()),
        "equal": int((differences == 0).sum()),
    }


def _some(cases: Sequence[str]) -> str:
    return ", ".join(cases[:5]) + (", …" if len(cases) > 5 else "")
