from itertools import product

import numpy as np
import pytest
from scipy.stats import rankdata

from common.metrics.arms import compare_arms, holm
from common.metrics.resampling import case_and_seed_interval

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


def compare(arms, **options):
    """`compare_arms` of one seed."""
    return compare_arms({name: [scores] for name, scores in arms.items()}, **options)


def by_name(rows):
    return {row["arm"]: row for row in rows}


def test_worked_comparison():
    """Differences 0.1, 0.2, 0.3, 0.4, 0: of the 2⁴ sign patterns 2 are as extreme, p = 1/8."""
    arms = {"real": arm(0.5, 0.5, 0.5, 0.5, 0.5), "mixed": arm(0.6, 0.7, 0.8, 0.9, 0.5)}
    baseline, mixed = compare(arms, baseline="real")
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
    rows = compare({"real": arm(*real), "mixed": arm(*(real + differences))}, baseline="real")
    assert rows[1]["p"] == pytest.approx(exact_p(differences))


def test_equal_differences_tie_whatever_their_last_bit():
    """0.3 - 0.2, 0.4 - 0.3, … differ in the last bit: as ranks 1, 2, 3, 4 they would give another p."""
    real, mixed = [0.2, 0.3, 0.4, 0.6], [0.3, 0.4, 0.5, 0.5]
    assert len({b - a for a, b in zip(real, mixed, strict=True)}) > 2
    rows = compare({"real": arm(*real), "mixed": arm(*mixed)}, baseline="real")
    equal = compare({"real": arm(0, 0, 0, 1), "mixed": arm(1, 1, 1, 0)}, baseline="real")
    assert rows[1]["p"] == equal[1]["p"]


def test_holm_runs_over_the_arms():
    rng = np.random.default_rng(0)
    real = rng.uniform(0.3, 0.6, 30)
    arms = {"a": real + 0.03 + rng.normal(0, 0.05, 30), "real": real, "b": real + rng.normal(0, 0.05, 30), "c": real}
    rows = compare({name: arm(*dice) for name, dice in arms.items()}, baseline="real")
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
    mixed = compare(arms, baseline="real")[1]
    assert mixed["difference_high"] - mixed["difference_low"] < 0.1 * (mixed["high"] - mixed["low"])
    assert mixed["difference_low"] > 0 and mixed["p"] < 1e-6


def test_cases_are_matched_by_id():
    real, shuffled = {"a": 0.1, "b": 0.2, "c": 0.3}, {"c": 0.35, "a": 0.1, "b": 0.1}
    row = compare({"real": real, "mixed": shuffled}, baseline="real")[1]
    assert (row["better"], row["worse"], row["equal"]) == (1, 1, 1)


def test_cases_without_truth_are_left_out_and_counted():
    arms = {"real": arm(0.5, None, 0.7), "mixed": arm(0.6, float("nan"), 0.6)}
    for row in compare(arms, baseline="real"):
        assert (row["n"], row["unscored"]) == (2, 1)
        assert row["mean"] == pytest.approx(0.6)


def test_one_case_has_no_interval():
    row = compare({"real": arm(0.5), "mixed": arm(0.6)}, baseline="real")[1]
    assert [row[key] for key in ("low", "high", "difference_low", "p")] == [None, None, None, 1.0]


def test_seed_decides():
    dice = np.random.default_rng(2).uniform(size=(2, 20))
    arms = {"real": arm(*dice[0]), "mixed": arm(*dice[1])}
    rows = [compare(arms, baseline="real", replicates=200, seed=seed) for seed in (0, 0, 1)]
    assert rows[0] == rows[1] != rows[2]


@pytest.mark.parametrize(("p_values", "expected"), HOLM)
def test_worked_corrections(p_values, expected):
    assert holm(p_values) == pytest.approx(expected)


@pytest.mark.parametrize(("arms", "message"), REFUSED)
def test_arms_that_do_not_compare_are_refused(arms, message):
    with pytest.raises(ValueError, match=message):
        compare(arms, baseline="real")


def seeds(*rows):
    return [arm(*row) for row in rows]


def test_worked_comparison_of_seeds():
    """Differences by seed 0.2, 0, 0.1 and 0, 0.2, 0.1: 0.1 in every case, so that all three cases are better."""
    arms = {"real": seeds([0.4, 0.4, 0.4], [0.6, 0.6, 0.6]), "mixed": seeds([0.6, 0.4, 0.5], [0.6, 0.8, 0.7])}
    baseline, mixed = compare_arms(arms, baseline="real")
    assert (mixed["n"], mixed["seeds"], mixed["better"], mixed["worse"]) == (3, 2, 3, 0)
    assert (baseline["mean"], mixed["mean"]) == (pytest.approx(0.5), pytest.approx(0.6))
    assert mixed["difference"] == pytest.approx(0.1)
    assert mixed["p"] == pytest.approx(2 / 2**3)  # of the 2³ sign patterns 2 are as extreme
    assert baseline["seed_sd"] == pytest.approx(0.2 / 2**0.5)  # of the means 0.4 and 0.6
    assert mixed["seed_sd"] == pytest.approx(0.2 / 2**0.5)  # of the means 0.5 and 0.7


def test_one_seed_given_thrice_is_one_seed():
    rng = np.random.default_rng(3)
    real, mixed = rng.uniform(size=(2, 20))
    once = compare({"real": arm(*real), "mixed": arm(*mixed)}, baseline="real")[1]
    thrice = compare_arms({"real": seeds(*[real] * 3), "mixed": seeds(*[mixed] * 3)}, baseline="real")[1]
    for key in ("mean", "difference", "p", "better"):
        assert thrice[key] == pytest.approx(once[key])
    for key in ("low", "high", "difference_low", "difference_high"):
        assert thrice[key] == pytest.approx(once[key], abs=0.03)  # other draws of the same cases
    assert (once["seed_sd"], thrice["seed_sd"]) == (None, pytest.approx(0))


def test_seeds_that_disagree_widen_the_interval():
    """One seed gains 0.1 in each case, another loses 0.08: over cases alone the gain of 0.01 would look certain."""
    rng = np.random.default_rng(4)
    real = rng.uniform(0.3, 0.6, 40)
    gains = np.array([[0.1], [0.01], [-0.08]]) + rng.normal(0, 0.01, (3, 40))
    mixed = compare_arms({"real": seeds(*[real] * 3), "mixed": seeds(*(real + gains))}, baseline="real")[1]
    assert mixed["difference"] == pytest.approx(0.01, abs=0.005)
    assert mixed["difference_low"] < -0.05 and mixed["difference_high"] > 0.07


def test_the_spread_of_the_draws_is_that_of_the_seeds_mean():
    """Cases alike: the variance of the mean over S seeds is s²/S, also for few seeds; 1.96 times its root is half."""
    table = np.repeat(np.random.default_rng(5).normal(0, 0.1, 30)[:, None], 2, axis=1)
    low, high = case_and_seed_interval(table, replicates=20000)
    assert high - low == pytest.approx(2 * 1.96 * table[:, 0].std(ddof=1) / 30**0.5, rel=0.05)
    assert case_and_seed_interval(table[:2], replicates=2000) == sorted(table[:2, 0])  # one of the two is drawn


def test_seeds_of_different_numbers_are_refused():
    with pytest.raises(ValueError, match="'mixed' has scores of 1 seeds, 'real' of 2: train both with the same seeds"):
        compare_arms({"real": seeds([0.5], [0.6]), "mixed": seeds([0.5])}, baseline="real")


def test_an_empty_truth_is_empty_in_every_seed():
    arms = {"real": seeds([0.5, None], [0.6, None]), "mixed": seeds([0.5, None], [0.6, 0.4])}
    with pytest.raises(ValueError, match="case_1: a Dice in only one of the arms 'real' and 'mixed'"):
        compare_arms(arms, baseline="real")
