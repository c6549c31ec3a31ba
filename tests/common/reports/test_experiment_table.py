"""Which arms lie on one curve, and what says whether a table has head-room."""

from types import SimpleNamespace

import pytest

from common.reports.experiment_table import ExperimentTable, curves_over_cases, kind
from common.runs.arms import Arm

GENERATED = {"generated_dir": "set", "generated_share": 0.25}
ARMS = [
    Arm("real", updates=1.0),
    Arm("half", {"real_fraction": 0.5}, updates=1.0),
    Arm("5 real", {"real_count": 5}, updates=1.0),
    Arm("real + generated", GENERATED, updates=1.0),
    Arm("half + generated", {"real_fraction": 0.5, **GENERATED}, baseline="half", updates=1.0),
    Arm("pasted", {"real_count": 5}, overlays=["copy_paste.yaml"], baseline="5 real", updates=1.0),
]
REAL = {"real": 20, "half": 10, "5 real": 5, "real + generated": 20, "half + generated": 10, "pasted": 5}
ROWS = [{"arm": arm.name, "real": REAL[arm.name], "mean": 0.5} for arm in ARMS]
MEAN = {"real": 0.7, "half": 0.6, "5 real": 0.59}


def table(arms):
    """Of ten cases and two seeds; every case has the mean of its arm, so that intervals have no width."""
    scores = {arm.name: [{f"c{n}": MEAN.get(arm.name, 0.6) for n in range(10)}] * 2 for arm in arms}
    return ExperimentTable(SimpleNamespace(compared=arms), scores, replicates=50, seed=0)


def test_arms_of_one_kind_differ_in_their_number_of_real_cases_alone():
    assert len({kind(arm) for arm in ARMS[:3]}) == 1
    assert kind(ARMS[3]) == kind(ARMS[4])
    assert len({kind(arm) for arm in ARMS}) == 3
    assert kind(Arm("a", updates=1.0)) != kind(Arm("a", updates=1.0, start_from="pre-training"))


def test_arms_that_try_out_nothing_are_told_from_others():
    assert table(ARMS).alike() == {"real", "half", "5 real"}


def test_head_room_is_asked_of_what_others_are_compared_with():
    found = table(ARMS).head_rooms(ROWS)
    assert {name: room.state for name, room in found.items()} == {"real": "yes", "half": "no", "5 real": "unknown"}
    assert found["real"].shown_by.cases == 10
    assert found["real"].shown_by.loss == pytest.approx(0.1)
    assert found["half"].shown_by.loss == pytest.approx(0.01)
    assert found["half"].shown_by.low == pytest.approx(0.01)  # an interval above 0, and still less than 0.03


def test_a_learning_curve_asks_it_of_every_arm():
    found = table(ARMS[:3]).head_rooms(ROWS[:3])
    assert {name: room.state for name, room in found.items()} == {"real": "yes", "half": "no", "5 real": "unknown"}


def test_curves_over_cases_begin_with_real_cases_alone():
    curves = curves_over_cases(ARMS[::-1], ROWS[::-1])
    assert list(curves) == ["real cases alone", "real + generated"]
    assert sorted(row["real"] for row in curves["real cases alone"]) == [5, 10, 20]
    assert sorted(row["real"] for row in curves["real + generated"]) == [10, 20]
    assert curves_over_cases(ARMS[:1], ROWS[:1]) == {}
    without = [{**row, "real": 0} for row in ROWS]
    assert curves_over_cases(ARMS, without) == {}
