import pytest

from common.reports.combinations import combination_table, effect_table

ROWS = [
    {"trial": 0, "x": "a", "seed": 0, "kid": 0.4, "dice": None},
    {"trial": 1, "x": "b", "seed": 0, "kid": 0.1, "dice": 0.5},
    {"trial": 2, "x": "a", "seed": 1, "kid": 0.2, "dice": None},
    {"trial": 3, "x": "b", "seed": 1, "kid": 0.3, "dice": None},
    {"trial": 4, "x": "b", "seed": 2, "kid": None, "dice": None},
]


def test_combinations_stand_in_the_order_of_their_mean():
    assert combination_table(ROWS, ["x"], ["kid", "dice"]) == [
        {"x": "b", "runs": 2, "kid": "0.2 ± 0.14", "dice": "0.5"},
        {"x": "a", "runs": 2, "kid": "0.3 ± 0.14"},
    ]


def test_effects_of_each_score_that_was_repeated():
    (row,) = effect_table(ROWS, ["x"], ["kid", "dice"])
    # s² = 0.02 with two degrees of freedom, each side of two runs: error √0.02, t 4.303
    assert (row["score"], row["factor"], row["from"], row["to"]) == ("kid", "x", "a", "b")
    assert row["difference"] == pytest.approx(-0.1)
    assert row["95 % interval"] == "[-0.7085, 0.5085]"
    assert row["p"] == pytest.approx(0.5528, abs=1e-4)


def test_nothing_is_known_of_single_runs():
    assert effect_table(ROWS[:2], ["x"], ["kid"]) == []
