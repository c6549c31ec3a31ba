from itertools import product

import numpy as np
import pytest
from scipy.stats import rankdata

from common.metrics.arms import compare_arms, holm

# p values, Holm's correction worked out by hand
HOLM = [
    ([], []),
    ([0.03], [0.03]),
    ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
    ([0.02, 0.02, 0.9], [0.06, 0.06, 0.9]),
    ([0.6, 0.7], [1.0, 1.0]),
]

# arms, message
REFUSED = [
    ({"mixed": {"a": 0.5}}, "no arm 'real' to compare with, there are \\['mixed'\\]"),
    ({"real": {"a": 0.5, "b": 0.4}, "mixed": {"a": 0.5}}, "arm 'mixed' lacks 1 of 2 test cases \\(b\\)"),
    ({"real": {"a": 0.5}, "mixed": {"a": 0.5, "b": 0.4}}, "arm 'real' lacks 1 of 2 test cases \\(b\\)"),
    (
        {"real": {"a": None, "b": 1}, "mixed": {"a": 0.5, "b": 1}},
        "a: a Dice in only one of the arms 'real' and 'mixed'",
    ),
    ({"real": {"a": None, "b": float("nan")}}, "none of 2 test cases has a Dice"),
    ({"real": {}}, "none of 0 test cases"),
]


def arm(*dice):
    return {f"case_{i}": value for i, value in enumerate(dice)}


def by_name(rows):
    return {row["arm"]: row for row in rows}


def test_worked_comparison():
    """Differences 0.1, 0.2, 0.3, 0.4, 0: of the 2⁴ sign patterns 2 are as extreme, p = 1/8."""
    arms = {"real": arm(0.5, 0.5, 0.5, 0.5, 0.5), "mixed": arm(0.6, 0.7, 0.8, 0.9, 0.5)}
    baseline, mixed = compare_arms(arms, baseline="real")
    assert (mixed["arm"], mixed["n"], mixed["unscored"]) == ("mixed", 5, 0)
    assert mixed["mean"] == pytest.approx(0.7) and mixed["difference"] == pytest.approx(0.2)
    assert (mixed["better"], mixed["worse"], mixed["equal"]) == (4, 0, 1)
    assert mixed["difference_low"] < 0.2 < mixed["difference_high"]
    assert mixed["p"] == mixed["p_holm"] == pytest.approx(1 / 8)
    assert baseline["mean"] == baseline["low"] == baseline["high"] == 0.5
    assert [baseline[key] for key in ("difference", "difference_low", "p", "p_holm", "better")] == [None] * 5


def exact_p(differences):
    """Share of all sign patterns whose rank sum lies as far from its middle."""
    ranks = rankdata(np.abs(differences))
    sums = np.array([ranks[np.array(signs)].sum() for signs in product([False, True], repeat=len(ranks))])
    middle = ranks.sum() / 2
    return np.mean(np.abs(sums - middle) >= abs(ranks[np.asarray(differences) > 0].sum() - middle) - 1e-9)


@pytest.mark.parametrize("differences", [[0.01, 0.02, -0.03, 0.04, 0.05, 0.06], [-0.1, -0.2, -0.3, 0.04, -0.5]])
def test_p_is_that_of_all_sign_patterns(differences):
    real = np.linspace(0.3, 0.6, len(differences))
    rows = compare_arms({"real": arm(*real), "mixed": arm(*(real + differences))}, baseline="real")
    assert rows[1]["p"] == pytest.approx(exact_p(differences))


def test_equal_differences_tie_whatever_their_last_bit():
    """0.3 - 0.2, 0.4 - 0.3, … differ in the last bit: as ranks 1, 2, 3, 4 they would give another p."""
    real, mixed = [0.2, 0.3, 0.4, 0.6], [0.3, 0.4, 0.5, 0.5]
    assert len({b - a for a, b in zip(real, mixed, strict=True)}) > 2
    rows = compare_arms({"real": arm(*real), "mixed": arm(*mixed)}, baseline="real")
    equal = compare_arms({"real": arm(0, 0, 0, 1), "mixed": arm(1, 1, 1, 0)}, baseline="real")
    assert rows[1]["p"] == equal[1]["p"]


def test_holm_runs_over_the_arms():
    rng = np.random.default_rng(0)
    real = rng.uniform(0.3, 0.6, 30)
    arms = {"a": real + 0.03 + rng.normal(0, 0.05, 30), "real": real, "b": real + rng.normal(0, 0.05, 30), "c": real}
    rows = compare_arms({name: arm(*dice) for name, dice in arms.items()}, baseline="real")
    assert [row["arm"] for row in rows] == ["a", "real", "b", "c"]
    rows = by_name(rows)
    assert [rows[name]["p_holm"] for name in "abc"] == holm([rows[name]["p"] for name in "abc"])
    assert rows["a"]["p_holm"] == pytest.approx(3 * rows["a"]["p"])
    assert (rows["c"]["p"], rows["c"]["equal"], rows["c"]["difference_low"]) == (1.0, 30, 0.0)


def test_pairing_narrows_the_interval():
    """Cases differ much more than arms: the difference is known better than either mean."""
    rng = np.random.default_rng(1)
    real = rng.uniform(0, 1, 40)
    arms = {"real": arm(*real), "mixed": arm(*(real + 0.02 + rng.normal(0, 0.01, 40)))}
    mixed = compare_arms(arms, baseline="real")[1]
    assert mixed["difference_high"] - mixed["difference_low"] < 0.1 * (mixed["high"] - mixed["low"])
    assert mixed["difference_low"] > 0 and mixed["p"] < 1e-6


def test_cases_are_matched_by_id():
    real, shuffled = {"a": 0.1, "b": 0.2, "c": 0.3}, {"c": 0.35, "a": 0.1, "b": 0.1}
    row = compare_arms({"real": real, "mixed": shuffled}, baseline="real")[1]
    assert (row["better"], row["worse"], row["equal"]) == (1, 1, 1)


def test_cases_without_truth_are_left_out_and_counted():
    arms = {"real": arm(0.5, None, 0.7), "mixed": arm(0.6, float("nan"), 0.6)}
    for row in compare_arms(arms, baseline="real"):
        assert (row["n"], row["unscored"]) == (2, 1)
        assert row["mean"] == pytest.approx(0.6)


def test_one_case_has_no_interval():
    row = compare_arms({"real": arm(0.5), "mixed": arm(0.6)}, baseline="real")[1]
    assert [row[key] for key in ("low", "high", "difference_low", "p")] == [None, None, None, 1.0]


def test_seed_decides():
    dice = np.random.default_rng(2).uniform(size=(2, 20))
    arms = {"real": arm(*dice[0]), "mixed": arm(*dice[1])}
    rows = [compare_arms(arms, baseline="real", replicates=200, seed=seed) for seed in (0, 0, 1)]
    assert rows[0] == rows[1] != rows[2]


@pytest.mark.parametrize(("p_values", "expected"), HOLM)
def test_worked_corrections(p_values, expected):
    assert holm(p_values) == pytest.approx(expected)


@pytest.mark.parametrize(("arms", "message"), REFUSED)
def test_arms_that_do_not_compare_are_refused(arms, message):
    with pytest.raises(ValueError, match=message):
        compare_arms(arms, baseline="real")
