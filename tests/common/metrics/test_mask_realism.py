import json

import numpy as np
import pytest
from scipy.stats import norm, wasserstein_distance

from common.metrics.mask_realism import mask_realism
from common.metrics.mask_statistics import UNITS


def rows(volumes, present=None):
    """Rows of two statistics."""
    present = np.ones(len(volumes)) if present is None else present
    return [
        {"foreground/present": float(p), "foreground/volume": float(v)} for p, v in zip(present, volumes, strict=True)
    ]


def volumes(count, seed=0, *, shift=0.0):
    return np.random.default_rng(seed).normal(20, 4, count) + shift


def test_a_shift_is_the_distance_and_its_standardised_form():
    real = volumes(60)
    row = mask_realism(rows(real), rows(real + 3))["foreground/volume"]
    assert row["value"] == pytest.approx(3)
    assert row["standardised"] == pytest.approx(3 / real.std())
    assert row["unit"] == UNITS["volume"] == "ml"
    assert row["interval"][0] < 3 < row["interval"][1]
    known = {"real_mean": real.mean(), "real_median": np.median(real), "generated_mean": real.mean() + 3}
    assert {name: row[name] for name in known} == pytest.approx(known)
    assert (row["n_real"], row["n_generated"], row["real_absent"], row["generated_absent"]) == (60, 60, 0, 0)


def test_sets_of_one_distribution_are_at_the_floor_and_others_are_not():
    same, other = (
        mask_realism(rows(volumes(400)), rows(volumes(400, 1, shift=shift)))["foreground/volume"] for shift in (0, 3)
    )
    assert same["matched"]["n"] == same["floor"]["n"] == 200
    low, high = same["floor"]["interval"]
    assert low < same["matched"]["value"] < high
    assert other["matched"]["value"] > 2 * other["floor"]["interval"][1]
    assert same["interval"][0] >= 0
    # E W1 of two samples of n: ∫ √(2 F (1 - F) / n) √(2 / π) for large n
    x = np.linspace(-30, 70, 10001)
    cdf = norm.cdf(x, 20, 4)
    expected = np.trapezoid(np.sqrt(2 * cdf * (1 - cdf) / 200 * 2 / np.pi), x)
    assert same["floor"]["value"] == pytest.approx(expected, rel=0.2)


def test_absent_statistics_are_left_out_and_counted():
    real, generated = volumes(40), volumes(30, 1)
    real[:5], generated[:12] = np.nan, np.nan
    result = mask_realism(rows(real, ~np.isnan(real)), rows(generated, ~np.isnan(generated)))
    volume, present = result["foreground/volume"], result["foreground/present"]
    assert volume["value"] == pytest.approx(wasserstein_distance(real[5:], generated[12:]))
    assert (volume["n_real"], volume["real_absent"]) == (35, 5)
    assert (volume["n_generated"], volume["generated_absent"]) == (18, 12)
    assert present["value"] == pytest.approx(35 / 40 - 18 / 30)
    assert present["unit"] == "share of cases"


def test_position_is_the_total_variation_of_the_mean_maps():
    """Real masks half in each of two cells, generated ones all in the second, one of them empty."""
    real, generated = np.zeros((10, 2, 1, 2)), np.zeros((8, 2, 1, 2))
    real[:5, 0, 0, 0] = real[5:, 0, 0, 1] = 1
    generated[:, 0, 0, 1] = 1
    generated[3] = np.nan
    result = mask_realism(rows(volumes(10)), rows(volumes(8)), real_maps=real, generated_maps=generated)
    row = result["foreground/position"]
    assert row["value"] == pytest.approx(0.5)
    assert (row["n_real"], row["n_generated"], row["generated_absent"]) == (10, 7, 1)
    assert result.keys() == {"foreground/present", "foreground/volume", "foreground/position"}


def test_no_spread_has_no_standardised_form():
    row = mask_realism(rows(np.full(8, 2.0)), rows(np.full(8, 3.0)))["foreground/volume"]
    assert row["value"] == 1
    assert row["standardised"] is None


# volumes of the generated cases, what can be said
FEW = [([np.nan] * 6, None), ([5.0], 5.0)]


@pytest.mark.parametrize(("generated", "value"), FEW)
def test_too_few_values_give_none_and_a_note(generated, value):
    row = mask_realism(rows(np.full(6, 10.0)), rows(generated))["foreground/volume"]
    assert row["value"] == value
    assert row["interval"] is None
    assert row["note"]
    assert "NaN" not in json.dumps(row)


def test_no_map_of_a_mask_gives_a_note():
    maps = np.full((6, 2, 2, 2), 1 / 8)
    options = {"real_maps": maps, "generated_maps": maps * np.nan}
    row = mask_realism(rows(volumes(6)), rows(volumes(6)), **options)["foreground/position"]
    assert row["value"] is None
    assert "0 generated maps" in row["note"]


def test_the_same_seed_gives_the_same_rows():
    results = [mask_realism(rows(volumes(30)), rows(volumes(20, 1)), seed=seed) for seed in (0, 0, 1)]
    assert results[0] == results[1] != results[2]


@pytest.mark.parametrize(("real", "generated"), [([], rows([1.0])), (rows([1.0]), [])])
def test_no_case_is_refused(real, generated):
    with pytest.raises(ValueError, match=r"got \d real and \d generated cases"):
        mask_realism(real, generated)


def test_other_statistics_are_refused():
    other = [*rows(volumes(2)), {**rows([1.0])[0], "label_1/volume": 1.0}]
    with pytest.raises(ValueError, match=r"generated case 2 .* differ in \['label_1/volume'\]"):
        mask_realism(rows(volumes(3)), other)
