import json
from functools import partial

import numpy as np
import pytest

from common.metrics.comparison import compare, describe
from common.metrics.frechet import frechet_distance
from common.metrics.inception_score import inception_score
from common.metrics.kernel_distance import kernel_distance, maximum_mean_discrepancy
from common.metrics.neighbourhoods import coverage, density, precision, recall
from common.metrics.resampling import bootstrap_interval, matched, real_floor

SCORES = {
    "FID": frechet_distance,
    "KID": partial(kernel_distance, subsets=5),
    "MMD": maximum_mean_discrepancy,
    "precision": partial(precision, k=3),
    "recall": recall,
    "density": density,
    "coverage": coverage,
}
BELOW_1 = {"precision", "recall", "coverage"}
FAST = {"replicates": 20, "splits": 4}


def two_sets(n, m, d=4, shift=0.5):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift


def test_row_of_each_score():
    real, generated = two_sets(40, 30)
    rows = compare(SCORES, real, generated, **FAST, seed=2)
    assert list(rows) == list(SCORES)
    for name, row in rows.items():
        assert set(row) == {"value", "interval", "n_real", "n_generated", "floor", "matched"}
        assert row["value"] == SCORES[name](real, generated)
        assert row["interval"][0] <= row["value"] <= row["interval"][1]
        assert (row["n_real"], row["n_generated"], row["floor"]["n"], row["matched"]["n"]) == (40, 30, 20, 20)
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_rows_are_what_resampling_says():
    real, generated = two_sets(40, 30)
    row = compare({"KID": SCORES["KID"]}, real, generated, **FAST, seed=2)["KID"]
    assert row["interval"] == list(bootstrap_interval(SCORES["KID"], real, generated, replicates=20, seed=2))
    floor = real_floor(SCORES["KID"], real, n=20, splits=4, seed=2)
    assert row["floor"] == {"value": floor.value, "interval": [floor.low, floor.high], "n": 20}
    again = matched(SCORES["KID"], real, generated, n=20, splits=4, seed=2)
    assert row["matched"] == {"value": again.value, "interval": [again.low, again.high], "n": 20}


@pytest.mark.parametrize(("n", "m", "expected"), [(40, 10, 10), (21, 100, 10)])
def test_size_of_floor_and_matched(n, m, expected):
    row = compare({"FID": frechet_distance}, *two_sets(n, m), **FAST)["FID"]
    assert row["floor"]["n"] == row["matched"]["n"] == expected


def test_intervals_stay_within_the_limits_of_a_score():
    real, _ = two_sets(30, 1)
    rows = compare(SCORES, real, real.copy(), **FAST)
    assert rows["FID"]["interval"][0] == 0 < rows["FID"]["interval"][1]
    assert rows["precision"]["interval"][0] < 1 == rows["precision"]["interval"][1]
    assert rows["KID"]["interval"][0] < 0 and rows["MMD"]["interval"][0] < 0
    far = compare({"density": density}, real, real + 99, **FAST)["density"]
    assert (far["value"], far["interval"]) == (0, [0, 0])


# n, m, parts that a score with k = 5 cannot give
SMALL = [
    (40, 40, []),
    (11, 40, ["interval", "floor", "matched"]),
    (12, 5, ["floor", "matched"]),
    (5, 40, ["value", "interval", "floor", "matched"]),
    (40, 0, ["value", "interval", "floor", "matched"]),
]


@pytest.mark.parametrize(("n", "m", "missing"), SMALL)
def test_small_sets_get_a_note(n, m, missing):
    score = partial(density, k=5)
    row = compare({"density": score}, *two_sets(n, m), **FAST)["density"]
    assert [part for part in ("value", "interval", "floor", "matched") if row[part] is None] == missing
    assert ("note" in row) == bool(missing)
    assert all(part in row["note"] for part in missing)


def test_note_says_why():
    rows = compare({"recall": recall, "FID": frechet_distance}, *two_sets(40, 8), **FAST)
    assert rows["recall"]["note"] == (
        "no interval: half of each set is too small (4 generated samples and k = 5, expected 1 ≤ k < samples: "
        "add volumes to that set or lower k)"
    )
    assert "note" not in rows["FID"]


def test_bad_features_are_refused_for_all_scores():
    real, generated = two_sets(20, 20)
    with pytest.raises(ValueError, match="real samples have 4 features, generated ones 3"):
        compare(SCORES, real, generated[:, :3])
    generated[3, 1] = np.nan
    with pytest.raises(ValueError, match="1 of 20 generated samples"):
        compare(SCORES, real, generated)
    with pytest.raises(ValueError, match="1 of 20 generated samples"):
        describe({"IS": inception_score}, real, generated)


def test_a_mistake_in_a_score_is_no_note():
    with pytest.raises(ZeroDivisionError):
        compare({"wrong": lambda first, second: 1 / 0}, *two_sets(20, 20))


def test_same_seed_same_rows():
    sets = two_sets(20, 20)
    rows = [compare({"FID": frechet_distance}, *sets, **FAST, seed=seed) for seed in (0, 0, 1)]
    assert rows[0] == rows[1] != rows[2]


def test_describe_tells_of_both_sets():
    real, generated = two_sets(30, 20)
    row = describe({"IS": inception_score}, real, 3 * generated, replicates=20)["IS"]
    assert row["real"]["value"] == inception_score(real) < inception_score(3 * generated) == row["generated"]["value"]
    assert (row["real"]["n"], row["generated"]["n"]) == (30, 20)
    for side in row.values():
        assert 1 <= side["interval"][0] <= side["value"] <= side["interval"][1]
    assert json.loads(json.dumps(row, allow_nan=False)) == row


def test_describe_notes_what_is_too_small():
    row = describe({"IS": inception_score}, *two_sets(3, 1), replicates=20)["IS"]
    assert row["real"]["value"] > 1 and row["real"]["interval"] is None and "half of each set" in row["real"]["note"]
    assert row["generated"] == {"n": 1, "value": None, "interval": None, "note": row["generated"]["note"]}


def test_more_features_than_samples_change_no_number():
    """Resampled in the coordinates that the samples span, scores are as in those of the features."""
    real, generated = two_sets(20, 18, d=200)
    for name, row in compare(SCORES, real, generated, **FAST, seed=2).items():
        score = SCORES[name]
        assert row["value"] == pytest.approx(score(real, generated), rel=1e-9)
        floor = real_floor(score, real, n=10, splits=4, seed=2)
        assert row["floor"]["value"] == pytest.approx(floor.value, rel=1e-9)
        ends = bootstrap_interval(score, real, generated, replicates=20, seed=2)
        within = [end if name in {"KID", "MMD"} else max(end, 0) for end in ends]
        assert row["interval"] == pytest.approx([min(end, 1) if name in BELOW_1 else end for end in within], rel=1e-9)
