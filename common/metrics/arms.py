"""Does an arm of an experiment segment the same test cases better than the baseline does?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import wilcoxon

from .resampling import case_and_seed_interval

Scores = Mapping[str, float | None]
COMPARISON = ("difference", "difference_low", "difference_high", "p", "p_holm", "better", "worse", "equal")


def compare_arms(
    arms: Mapping[str, Sequence[Scores]], *, baseline: str, replicates: int = 2000, seed: int = 0
) -> list[dict[str, Any]]:
    """A row for each arm, in their order: its mean Dice, and its paired comparison with the baseline.

    Args:
        arms: Dice of each test case by case id, of the models of one seed after the other, by arm. NaN or None marks a
            case whose truth is empty: it is left out of all arms. The k-th seed of one arm is paired with the k-th of
            the baseline.
        baseline: Arm that the others are compared with.
        replicates: Of the bootstrap over cases and seeds; every arm draws the same ones.
        seed: Of it.

    Returns:
        Rows ``arm``, ``n`` (cases), ``seeds``, ``unscored``, ``mean`` (over cases and seeds), ``low``, ``high`` (95 %
        interval over both, see `case_and_seed_interval`), ``seed_sd`` (standard deviation of the seeds' means);
        ``difference`` (arm minus baseline), ``difference_low``, ``difference_high``; ``p`` (two-sided Wilcoxon
        signed-rank test over cases, each the mean of its seeds) and ``p_holm`` (Holm 1979, over all arms compared);
        ``better``, ``worse``, ``equal`` (cases). None where there is nothing to compare: in the baseline's row from
        ``difference`` on, intervals of one case, the deviation of one seed.

    Raises:
        ValueError: No such baseline, arms of different cases or numbers of seeds, a case without Dice in some arms
            only, or in all cases.
    """
    table, unscored = _paired(arms, baseline)
    rows: list[dict[str, Any]] = []
    for name, dice in table.items():
        low, high = case_and_seed_interval(dice, replicates=replicates, seed=seed) or (None, None)
        row = {"arm": name, "n": dice.shape[1], "seeds": len(dice), "unscored": unscored, "mean": float(dice.mean())}
        deviation = float(dice.mean(axis=1).std(ddof=1)) if len(dice) > 1 else None
        row |= {"low": low, "high": high, "seed_sd": deviation, **dict.fromkeys(COMPARISON)}
        rows.append(row if name == baseline else row | _compared(dice - table[baseline], replicates, seed))
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


def _paired(arms: Mapping[str, Sequence[Scores]], baseline: str) -> tuple[dict[str, np.ndarray], int]:
    """Dice (seeds, cases) of the scored cases in one order for all arms, and the number of cases left out."""
    if baseline not in arms:
        raise ValueError(f"no arm '{baseline}' to compare with, there are {sorted(arms)}")
    cases = sorted({case for seeds in arms.values() for scores in seeds for case in scores})
    for name, seeds in arms.items():
        if len(seeds) != len(arms[baseline]):
            raise ValueError(
                f"arm '{name}' has scores of {len(seeds)} seeds, '{baseline}' of {len(arms[baseline])}: train both "
                "with the same seeds"
            )
        if missing := [case for case in cases if any(case not in scores for scores in seeds)]:
            raise ValueError(
                f"arm '{name}' lacks {len(missing)} of {len(cases)} test cases ({_some(missing)}): evaluate every arm "
                "on the same data list"
            )
    table = {
        name: np.array([[scores[case] for case in cases] for scores in seeds], dtype=float)
        for name, seeds in arms.items()
    }
    empty = np.isnan(table[baseline][0])
    for name, dice in table.items():
        differs = (np.isnan(dice) != empty).any(axis=0)
        if differing := [case for case, one in zip(cases, differs, strict=True) if one]:
            raise ValueError(
                f"{_some(differing)}: a Dice in only one of the arms '{baseline}' and '{name}'; an empty truth is "
                "empty in every arm, so they were scored against different labels"
            )
    if empty.all():
        raise ValueError(f"none of {len(cases)} test cases has a Dice, nothing to compare")
    return {name: dice[:, ~empty] for name, dice in table.items()}, int(empty.sum())


def _compared(differences: np.ndarray, replicates: int, seed: int) -> dict[str, Any]:
    differences = differences.round(12)  # equal differences shall tie in the ranks, whatever their last bit
    low, high = case_and_seed_interval(differences, replicates=replicates, seed=seed) or (None, None)
    by_case = differences.mean(axis=0).round(12)
    return {
        "difference": float(differences.mean()),
        "difference_low": low,
        "difference_high": high,
        "p": float(wilcoxon(by_case).pvalue) if by_case.any() else 1.0,
        "better": int((by_case > 0).sum()),
        "worse": int((by_case < 0).sum()),
        "equal": int((by_case == 0).sum()),
    }


def _some(cases: Sequence[str]) -> str:
    return ", ".join(cases[:5]) + (", …" if len(cases) > 5 else "")
