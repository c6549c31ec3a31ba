import numpy as np
import pytest
from scipy import stats

from common.metrics.main_effects import cells, main_effects

# 2² design, two runs a cell: the score is 10 + 2 for b + 3 for [1], ± 0.5
ROWS = [
    {"x": x, "y": y, "seed": seed, "score": 10 + 2 * (x == "b") + 3 * (y == [1]) + (0.5 if seed else -0.5)}
    for x in ("a", "b")
    for y in ([], [1])
    for seed in (0, 1)
]


def test_cells_hold_the_runs_of_equal_levels():
    found = cells([*ROWS, {"x": "a", "y": [], "score": None}], ["x", "y"], "score")
    assert [(cell.levels, cell.scores) for cell in found] == [
        ({"x": "a", "y": []}, [9.5, 10.5]),
        ({"x": "a", "y": [1]}, [12.5, 13.5]),
        ({"x": "b", "y": []}, [11.5, 12.5]),
        ({"x": "b", "y": [1]}, [14.5, 15.5]),
    ]


def test_effects_are_those_that_the_scores_were_made_of():
    x, y = main_effects(ROWS, ["x", "y"], "score")
    assert (x.factor, x.base, x.level, x.value) == ("x", "a", "b", 2)
    assert (y.factor, y.base, y.level, y.value) == ("y", [], [1], 3)
    # s² = 4 · 0.5 / 4, each side a mean of four runs: error √(0.5 · (1/4 + 1/4)) = 0.5, four degrees of freedom
    half = 0.5 * stats.t.ppf(0.975, 4)
    assert (x.low, x.high) == pytest.approx((2 - half, 2 + half))
    assert x.p == pytest.approx(2 * stats.t.sf(4, 4))


def test_two_levels_of_one_factor_are_a_t_test():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 7), rng.normal(1, 1, 7)
    rows = [{"x": name, "score": value} for name, values in (("a", a), ("b", b)) for value in values]
    (effect,) = main_effects(rows, ["x"], "score")
    test = stats.ttest_ind(b, a)
    interval = test.confidence_interval()
    assert (effect.p, effect.low, effect.high) == pytest.approx((test.pvalue, interval.low, interval.high))


def test_three_levels_are_compared_each_with_the_one_before():
    rows = [{"x": level, "score": level**2 + shift} for level in (0, 1, 3) for shift in (-1, 1)]
    assert [effect.value for effect in main_effects(rows, ["x"], "score")] == [1, 8]


def test_in_a_half_fraction_the_other_factors_cancel():
    rows = [
        {"a": a, "b": b, "c": (a + b) % 2, "score": 1 * a + 10 * b + 100 * ((a + b) % 2) + shift}
        for a in (0, 1)
        for b in (0, 1)
        for shift in (0, 0.1)
    ]
    assert [effect.value for effect in main_effects(rows, ["a", "b", "c"], "score")] == pytest.approx([1, 10, 100])


def test_cells_of_one_run_say_nothing_of_chance():
    with pytest.raises(ValueError, match="score: no combination of x, y was run twice"):
        main_effects(ROWS[::2], ["x", "y"], "score")
