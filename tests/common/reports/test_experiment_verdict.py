"""What an experiment's page says first."""

import numpy as np
import pytest

from common.metrics.convergence import Convergence
from common.metrics.head_room import HeadRoom, Loss
from common.reports.convergence_figure import ArmCurve
from common.reports.experiment_verdict import verdict

GAIN, HELPS = "Can this table show a gain?", "What helps"
UNCLEAR, LIMITS = "What makes no difference that the test cases could show", "What the numbers cannot tell"


def row(arm, difference=None, low=None, high=None, p=0.01, **more):
    baseline = None if difference is None else "real"
    better = 0 if difference is None else 30 if difference > 0 else 10
    counts = {"n": 40, "better": better, "worse": 40 - better, "seeds": 3, "updates": 1000}
    more = {"mean": 0.6, **more}
    interval = {"difference": difference, "difference_low": low, "difference_high": high}
    return {"arm": arm, "baseline": baseline, **interval, "p_holm": p, **counts, **more}


def curve(state):
    return ArmCurve("validation Dice", np.arange(3), np.zeros((1, 3)), Convergence(state, 0.02, 0.001, 4))


def read(rows, rooms=None, states=None, **more):
    states = {one["arm"]: "converged" for one in rows} if states is None else states
    curves = {name: curve(state) for name, state in states.items()}
    return verdict(rows, rooms or {"real": HeadRoom("yes", 20, Loss(10, 0.05, 0.02, 0.08))}, curves, **more)


# head-room, how the first sentence begins, words of it
ROOMS = {
    "no": (
        HeadRoom("no", 148, Loss(74, 0.004, -0.01, 0.018)),
        "No, the table cannot show a gain on the 148 real cases of 'real': with 74 of them alone, the overlap with the "
        "true masks changes by -0.004 Dice (95 % interval -0.018 to +0.010). At least 0.03 Dice",
        "says nothing against its method",
    ),
    "a gain with fewer": (HeadRoom("no", 20, Loss(10, -0.01, -0.02, 0.0)), "No, the table", "changes by +0.010 Dice"),
    "yes": (HeadRoom("yes", 20, Loss(10, 0.05, 0.02, 0.08)), "Yes, there is room for a gain on the 20", "10 of them"),
    "no arm": (HeadRoom("unknown", 20), "Unknown for the 20 real cases of 'real': no arm", "`real_count: 10`"),
    "a tenth": (HeadRoom("unknown", 148, Loss(15, 0.2, 0.1, 0.3)), "Unknown for the 148", "`real_count: 74`"),
    "one test case": (
        HeadRoom("unknown", 20, Loss(10, 0.2, None, None)),
        "Unknown for the 20",
        "Too few test cases or seeds to tell",
    ),
}


@pytest.mark.parametrize("name", ROOMS)
def test_the_page_begins_with_whether_it_can_show_a_gain(name):
    room, beginning, words = ROOMS[name]
    found = read([row("real"), row("mixed", 0.01, -0.01, 0.03)], {"real": room})
    assert next(iter(found)) == GAIN
    assert found[GAIN][0].startswith(beginning) and words in found[GAIN][0]


def test_a_table_of_networks_that_learned_nothing_means_nothing():
    rows = [row("real", mean=0.08), row("mixed", 0.05, 0.01, 0.07, mean=0.13)]
    assert read(rows)[GAIN][0] == (
        "No, this table means nothing yet: no network has learned the task. The best arm, 'mixed', reaches 0.13 Dice, "
        "and which arm is ahead there is chance. Train longer before you read on."
    )
    assert len(read([row("real", mean=0.2), row("few", mean=0.05)])[GAIN]) == 1


def test_a_baseline_without_real_cases_asks_for_no_head_room():
    assert GAIN not in read([row("generated only")], {"generated only": HeadRoom("unknown", 0)})


def test_arms_are_told_apart_by_interval_and_corrected_p():
    rows = [row("real"), row("good", 0.04, 0.01, 0.07), row("bad", -0.05, -0.08, -0.02), row("flat", 0.0, -0.02, 0.02)]
    rows += [row("chance", 0.04, 0.01, 0.07, p=0.06), row("one case", 0.04)]
    found = read(rows)
    assert found[HELPS] == [
        "'good' is better than 'real': +0.040 Dice (95 % interval +0.010 to +0.070), better in 30 of 40 test cases."
    ]
    assert found["What does harm"] == [
        "'bad' is worse than 'real': -0.050 Dice (95 % interval -0.080 to -0.020), worse in 30 of 40 test cases."
    ]
    assert [text.partition("'")[2].partition("'")[0] for text in found[UNCLEAR]] == ["flat", "chance", "one case"]
    assert found[UNCLEAR][0].endswith("anything from -0.020 to +0.020 fits these test cases.")
    assert read(rows[:1] + rows[3:4])[HELPS] == ["No arm is better than its baseline beyond doubt."]
    assert HELPS not in read(rows[:1])


def test_fewer_real_cases_do_no_harm_but_show_head_room():
    rows = [row("real"), row("half", -0.05, -0.08, -0.02)]
    assert "What does harm" in read(rows)
    assert list(read(rows, alike={"real", "half"})) == [GAIN, LIMITS]


def test_without_room_what_makes_no_difference_says_so():
    found = read([row("real"), row("flat", 0.0, -0.02, 0.02)], {"real": HeadRoom("no", 20, Loss(10, 0.0, -0.01, 0.01))})
    assert found[UNCLEAR][0].endswith("fits these test cases, and the table has no room for a gain.")


# options of the verdict, words of what the numbers cannot tell
LIMITED = {
    "one seed": ({"rows": [row("real", seeds=1)]}, "trained with one seed"),
    "few cases": ({"rows": [row("real", n=8)]}, "There are 8 test cases"),
    "still rising": ({"rows": [row("real")], "states": {"real": "still rising"}}, "had not ended for 'real':"),
    "noisy": ({"rows": [row("real")], "states": {"real": "unknown"}}, "not known for 'real'"),
    "no curve": ({"rows": [row("real")], "states": {}}, "not known for 'real'"),
    "unequal": ({"rows": [row("real"), row("longer", updates=2000)]}, "from 1000 to 2000 updates"),
    "a generator that saw more": (
        {"rows": [row("real"), row("few + pairs", 0.04, 0.01, 0.07, generator_cases_beyond_real=138)]},
        "from up to 138 real cases that the arm itself did not have ('few + pairs')",
    ),
    "left out": (
        {"rows": [row("real")], "left_out": {"80 real": "there are 60"}},
        "'80 real' was not run: there are 60.",
    ),
}


@pytest.mark.parametrize("name", LIMITED)
def test_what_the_numbers_cannot_tell(name):
    options, words = LIMITED[name]
    whole = read([row("real"), row("mixed", 0.04, 0.01, 0.07)])[LIMITS]
    assert len(whole) == 1 and "second one" in whole[0]
    assert words in " ".join(read(**options)[LIMITS])
    assert words not in whole[0]
