"""Main effects of the factors of an experiment with repeated cells."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

Row = Mapping[str, Any]


class Effect(NamedTuple):
    """Difference of a score between two levels of a factor, with its interval and two-sided p."""

    factor: str
    base: Any
    level: Any
    value: float
    low: float
    high: float
    p: float


class Cell(NamedTuple):
    """Levels of the factors with the scores that were measured there."""

    levels: dict[str, Any]
    scores: list[float]


def cells(rows: Sequence[Row], factors: Sequence[str], score: str) -> list[Cell]:
    """Rows gathered by the levels of the factors, in the order of their first row; rows without the score are left out.

    Args:
        rows: Of an experiment, a run each.
        factors: Keys of the levels.
        score: Key of the number.
    """
    found: dict[str, Cell] = {}
    for row in rows:
        if row.get(score) is not None:
            levels = {factor: row[factor] for factor in factors}
            found.setdefault(json.dumps(levels), Cell(levels, [])).scores.append(float(row[score]))
    return list(found.values())


def main_effects(rows: Sequence[Row], factors: Sequence[str], score: str, *, level: float = 0.95) -> list[Effect]:
    """How much the score changes from one level of a factor to the next, over all levels of the other factors.

    The difference of the means over cells; its error is that of the runs within cells, pooled (Montgomery, Design and
    Analysis of Experiments, ch. 6). In a balanced or half-fraction design the other factors cancel.

    Args:
        rows, factors, score: As for `cells`.
        level: Of the interval.

    Raises:
        ValueError: No cell has two runs, so nothing says how much runs differ by chance.
    """
    gathered = cells(rows, factors, score)
    freedom = sum(len(cell.scores) - 1 for cell in gathered)
    if freedom < 1:
        raise ValueError(f"{score}: no combination of {', '.join(factors)} was run twice, expected some seeds of each")
    variance = sum(float(np.var(cell.scores)) * len(cell.scores) for cell in gathered) / freedom
    effects = []
    for factor in factors:
        groups = defaultdict(list)
        for cell in gathered:
            groups[json.dumps(cell.levels[factor])].append(cell)
        effects += [_effect(factor, *pair, variance, freedom, level) for pair in pairwise(groups.values())]
    return effects


def _effect(
    factor: str, base: Sequence[Cell], other: Sequence[Cell], variance: float, freedom: int, level: float
) -> Effect:
    means = [np.mean([np.mean(cell.scores) for cell in side]) for side in (base, other)]
    # variance of a mean of cell means
    share = sum(sum(1 / len(cell.scores) for cell in side) / len(side) ** 2 for side in (base, other))
    value, error = float(means[1] - means[0]), float(np.sqrt(variance * share))
    half = error * stats.t.ppf((1 + level) / 2, freedom)
    p = float(2 * stats.t.sf(abs(value) / error, freedom)) if error else float(value == 0)
    return Effect(factor, base[0].levels[factor], other[0].levels[factor], value, value - half, value + half, p)
