"""Which cases a reader study shows, and in which order."""

from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, Literal, NamedTuple

import numpy as np

Source = Literal["real", "generated"]
Entry = Mapping[str, Any]


class DrawnCase(NamedTuple):
    """An entry of a data list, and which side it comes from."""

    source: Source
    entry: Entry


def draw_cases(
    real: Sequence[Entry],
    generated: Sequence[Entry],
    *,
    n_real: int = 5,
    n_generated: int = 5,
    rng: np.random.Generator,
) -> list[DrawnCase]:
    """`n_real` and `n_generated` cases in random order; real ones from as many centres as there are (thesis 4.7).

    Args:
        real, generated: Entries with ``case_id`` and ``centre``.
        n_real, n_generated: Cases of each side, at least one.
        rng: Draws and shuffles.

    Raises:
        ValueError: A side has fewer cases than asked for, or fewer than one is asked for.
    """
    chosen = [
        *(DrawnCase("real", entry) for entry in _spread(real, n_real, rng, "real")),
        *(DrawnCase("generated", entry) for entry in _spread(generated, n_generated, rng, "generated")),
    ]
    return [chosen[place] for place in rng.permutation(len(chosen))]


def _spread(entries: Sequence[Entry], count: int, rng: np.random.Generator, side: Source) -> list[Entry]:
    """`count` entries, a centre not twice before each other has been taken once."""
    if not 1 <= count <= len(entries):
        raise ValueError(
            f"the study asks for {count} {side} cases and there are {len(entries)}: set n_{side} to 1 … {len(entries)}"
        )
    centres: dict[str, list[Entry]] = {}
    for place in rng.permutation(len(entries)):
        entry = entries[place]
        centres.setdefault(str(entry.get("centre", "")), []).append(entry)
    rounds = zip_longest(*centres.values())
    return [entry for entry in chain.from_iterable(rounds) if entry is not None][:count]
