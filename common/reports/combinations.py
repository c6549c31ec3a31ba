"""Tables of an experiment whose combinations were repeated: scores of each, and what each factor changes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..metrics.main_effects import cells, main_effects

Row = Mapping[str, Any]


def combination_table(rows: Sequence[Row], factors: Sequence[str], scores: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each combination of the factors: runs, and mean ± standard deviation of each score.

    Args:
        rows: A run each.
        factors: Keys of the levels.
        scores: Keys of the numbers; the rows stand in the order of the first one's means.
    """
    found: dict[str, dict[str, Any]] = {}
    order: dict[str, float] = {}
    for score in scores:
        for cell in cells(rows, factors, score):
            row = found.setdefault(str(cell.levels), {**cell.levels, "runs": 0})
            row["runs"] = max(row["runs"], len(cell.scores))
            order.setdefault(str(cell.levels), float(np.mean(cell.scores)))
            deviation = f" ± {np.std(cell.scores, ddof=1):.2g}" if len(cell.scores) > 1 else ""
            row[score] = f"{np.mean(cell.scores):.4g}{deviation}"
    return [found[key] for key in sorted(found, key=order.__getitem__)]


def effect_table(rows: Sequence[Row], factors: Sequence[str], scores: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each score and factor: from which level to which, the difference, its 95 % interval and p.

    Scores that no combination has twice are left out.
    """
    table = []
    for score in scores:
        try:
            effects = main_effects(rows, factors, score)
        except ValueError:
            continue
        for effect in effects:
            change = {"from": effect.base, "to": effect.level, "difference": round(effect.value, 5)}
            interval = f"[{effect.low:.4g}, {effect.high:.4g}]"
            table.append({"score": score, "factor": effect.factor, **change, "95 % interval": interval, "p": effect.p})
    return table
