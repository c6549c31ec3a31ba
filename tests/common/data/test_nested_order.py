"""A seeded order whose beginnings are fair subsets."""

from collections import Counter

import pytest

from common.data.nested_order import nested_order

# cases of each centre
CENTRES = [{"A": 90, **{f"s{i}": 1 for i in range(10)}}, {"A": 56, "B": 18, "C": 72, "D": 55, "E": 201}, {"A": 7}]


@pytest.mark.parametrize("sizes", CENTRES)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_beginning_holds_each_centre_in_proportion(sizes, seed):
    entries = [{"case_id": f"{c}{i}", "centre": c} for c, size in sizes.items() for i in range(size)]
    order = nested_order(entries, seed=seed)
    assert sorted(case["case_id"] for case in order) == sorted(case["case_id"] for case in entries)
    assert nested_order(entries[::-1], seed=seed) == order
    taken = Counter()
    for step, case in enumerate(order, start=1):
        taken[case["centre"]] += 1
        assert all(abs(taken[c] - step * size / len(entries)) < 1 for c, size in sizes.items())


def test_which_of_equal_centres_comes_first_is_drawn():
    entries = [{"case_id": c, "centre": c} for c in "abcdef"]
    assert len({nested_order(entries, seed=seed)[0]["centre"] for seed in range(20)}) > 2
