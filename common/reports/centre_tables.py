"""Tables of centres as a page shows them; `centres.csv` has the same numbers, a column each (thesis 3.2)."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..metrics.case_statistics import CaseStatistics, column, most_frequent
from .page import format_cell

Rows = Sequence[Mapping[str, Any]]


def geometry_table(centres: Rows) -> list[dict[str, Any]]:
    """Sizes, slices and spacings as minimum to maximum (mean), orientation and type as stored.

    Args:
        centres: See `common.metrics.case_statistics.centre_rows`.
    """
    spread = {"size x": "size_x", "size y": "size_y", "slices": "slices"}
    spread |= {f"spacing {axis}, mm": f"spacing_{axis}" for axis in "xyz"}
    return [_summary(row, spread) | {"orientation": row["orientation"], "stored as": row["dtype"]} for row in centres]


def intensity_table(centres: Rows) -> list[dict[str, Any]]:
    """Lowest, highest and mean HU of the cases, slope and intercept, the most frequent extremes; see above."""
    spread = {"lowest HU": "hu_min", "highest HU": "hu_max", "mean HU": "hu_mean"}
    extremes = {"most frequent lowest": "hu_min_most_frequent", "most frequent highest": "hu_max_most_frequent"}
    return [
        _summary(row, spread)
        | {key: row[key] for key in ("slope", "intercept")}
        | {title: f"{row[key]:g} ({row[f'{key}_cases']}×)" for title, key in extremes.items()}
        for row in centres
    ]


def label_table(centres: Rows, names: Sequence[str]) -> list[dict[str, Any]]:
    """Of each label: cases that hold it, ml (mean ± standard deviation), parts (mean, maximum).

    Args:
        centres: See `common.metrics.case_statistics.centre_rows`.
        names: Of the labels.
    """
    rows = []
    for row in centres:
        cells = {"centre": row["centre"], "cases": row["cases"]}
        for name in names:
            cells |= _label_cells(row, name)
        rows.append(cells)
    return rows


def frequent_table(statistics: Sequence[CaseStatistics]) -> list[dict[str, str]]:
    """The five most frequent of the cases' lowest, highest and most common HU, with the number of cases."""
    keys = {"lowest": "hu_min", "highest": "hu_max", "most voxels": "hu_mode"}
    frequent = {title: most_frequent(getattr(case, key) for case in statistics) for title, key in keys.items()}
    return [
        {title: f"{values[i][0]:g} ({values[i][1]}×)" for title, values in frequent.items() if i < len(values)}
        for i in range(max(map(len, frequent.values())))
    ]


def _summary(row: Mapping[str, Any], spread: Mapping[str, str]) -> dict[str, Any]:
    return {
        "centre": row["centre"],
        "cases": row["cases"],
        **{title: _range(row, key) for title, key in spread.items()},
    }


def _range(row: Mapping[str, Any], name: str) -> str:
    low, high, mean = (format_cell(row[f"{name}_{part}"]) for part in ("min", "max", "mean"))
    return low if low == high else f"{low} to {high} ({mean})"


def _label_cells(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    cases, ml, sd, parts, most = (
        row[f"{column(name)}_{what}"] for what in ("cases", "ml_mean", "ml_sd", "components_mean", "components_max")
    )
    if not cases:
        return {f"with {name}": 0, f"{name}, ml": None, f"{name}, parts": None}
    spread = "" if sd is None else f" ± {sd:.3g}"
    return {f"with {name}": cases, f"{name}, ml": f"{ml:.3g}{spread}", f"{name}, parts": f"{parts:.3g}, {most}"}
