"""A seeded order of cases whose beginnings are fair subsets of one another."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def nested_order(entries: Sequence[Mapping[str, Any]], *, seed: int) -> list[dict[str, Any]]:
    """Seeded order whose every beginning holds each centre in proportion: the one furthest behind comes next."""
    rng = np.random.default_rng(seed)
    by_centre = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: entry["case_id"]):
        by_centre[str(entry["centre"])].append(entry)
    queues = {centre: [group[i] for i in rng.permutation(len(group))] for centre, group in sorted(by_centre.items())}
    centres = [list(queues)[i] for i in rng.permutation(len(queues))]  # breaks ties
    taken = dict.fromkeys(centres, 0)
    order = []
    for step in range(1, len(entries) + 1):
        left = [centre for centre in centres if taken[centre] < len(queues[centre])]
        lag = {centre: step * len(queues[centre]) - len(entries) * taken[centre] for centre in left}
        centre = max(left, key=lag.__getitem__)
        order.append(dict(queues[centre][taken[centre]]))
        taken[centre] += 1
    return order
