"""How far the statistics of generated masks are from those of real ones, as distributions."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.stats import wasserstein_distance

from .comparison import ScoreRow, compare
from .mask_statistics import UNITS

Rows = Sequence[Mapping[str, float]]


class RealismRow(ScoreRow, total=False):
    """Distance of one statistic between real and generated masks, see `mask_realism`."""

    unit: str
    standardised: float | None
    real_mean: float | None
    real_median: float | None
    generated_mean: float | None
    generated_median: float | None
    real_absent: int
    generated_absent: int


def mask_realism(
    real_rows: Rows,
    generated_rows: Rows,
    *,
    real_maps: np.ndarray | None = None,
    generated_maps: np.ndarray | None = None,
    replicates: int = 200,
    splits: int = 20,
    seed: int = 0,
) -> dict[str, RealismRow]:
    """Distance of each statistic with its real-vs-real floor and 95 % interval, and of the position maps.

    The distance is the 1-D Wasserstein distance, in the statistic's unit; for ``present`` that of 0/1 values, the
    difference of the frequencies; for ``foreground/position`` the total variation distance of the mean maps, 0 to 1.
    Each row holds what `compare` gives and

    - ``unit``; ``standardised``: the distance divided by the real cases' standard deviation (None where that is 0);
    - ``real_mean``, ``real_median``, ``generated_mean``, ``generated_median``; positions have none of these;
    - ``real_absent``, ``generated_absent``: cases left out because they have no such statistic (NaN).

    What the sides have too few values for is None, and ``note`` says why.

    Args:
        real_rows: Of `mask_statistics`, one for each case.
        generated_rows: The same, of the generated cases.
        real_maps: Of `occupancy`, (N, …) with one map for each case; without them there is no position row.
        generated_maps: The same, (M, …).
        replicates: Of the bootstrap.
        splits: Of the real cases, for the floor.
        seed: Of both.

    Raises:
        ValueError: No rows on a side, or the two sides hold different statistics.
    """
    options = {"replicates": replicates, "splits": splits, "seed": seed}
    result: dict[str, RealismRow] = {}
    for name in _statistics(real_rows, generated_rows):
        real, generated = (np.array([row[name] for row in rows]) for rows in (real_rows, generated_rows))
        row = _compared(real[:, None], generated[:, None], _wasserstein, **options)
        value, sd = row["value"], float(np.nanstd(real)) if row["value"] is not None else 0.0
        (real_mean, real_median), (generated_mean, generated_median) = map(_mean_and_median, (real, generated))
        result[name] = {
            "unit": UNITS.get(name.rsplit("/", 1)[-1], ""),
            **row,
            "standardised": value / sd if value is not None and sd else None,
            "real_mean": real_mean,
            "real_median": real_median,
            "generated_mean": generated_mean,
            "generated_median": generated_median,
        }
    if real_maps is not None and generated_maps is not None:
        real, generated = (maps.reshape(len(maps), -1) for maps in (real_maps, generated_maps))
        row = _compared(real, generated, _total_variation, **options)
        result["foreground/position"] = {"unit": "total variation", **row}
    return result


def _statistics(real_rows: Rows, generated_rows: Rows) -> list[str]:
    if not real_rows or not generated_rows:
        raise ValueError(f"mask realism: got {len(real_rows)} real and {len(generated_rows)} generated cases")
    names = list(real_rows[0])
    for side, rows in (("real", real_rows), ("generated", generated_rows)):
        for number, row in enumerate(rows):
            if differs := set(names) ^ set(row):
                raise ValueError(
                    f"mask realism: {side} case {number} and the first real one differ in {sorted(differs)}; "
                    "compute both sides with the same labels"
                )
    return names


def _compared(
    real: np.ndarray, generated: np.ndarray, score: Callable[[np.ndarray, np.ndarray], float], **options: int
) -> RealismRow:
    """`compare` on the rows without NaN; (N, d) and (M, d)."""
    kept_real, kept_generated = (values[~np.isnan(values).any(axis=1)] for values in (real, generated))
    row = compare({"distance": score}, kept_real, kept_generated, **options)["distance"]
    if row["interval"] is not None:
        row["interval"][0] = max(row["interval"][0], 0.0)
    absent = len(real) - len(kept_real), len(generated) - len(kept_generated)
    return {**row, "real_absent": absent[0], "generated_absent": absent[1]}


def _wasserstein(real: np.ndarray, generated: np.ndarray) -> float:
    return float(wasserstein_distance(real[:, 0], generated[:, 0]))


def _total_variation(real: np.ndarray, generated: np.ndarray) -> float:
    if not len(real) or not len(generated):
        raise ValueError(f"{len(real)} real and {len(generated)} generated maps")
    return float(np.abs(real.mean(axis=0) - generated.mean(axis=0)).sum() / 2)


def _mean_and_median(values: np.ndarray) -> tuple[float | None, float | None]:
    known = values[~np.isnan(values)]
    return (float(known.mean()), float(np.median(known))) if known.size else (None, None)
