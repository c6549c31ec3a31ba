from pathlib import Path

import pytest

from tests.campaign.inputs import all_inputs, controls, sample
from tests.campaign.wrong_input import BEGAN, LATE, POINTS, Wrong, judge, last_lines

WRONG = Wrong("type", "hagan_128 training", "lr -0.1", (), ("lr",), ("-0.1",), ("> 0", "positive"))
GOOD = "lr: found -0.1, expected number > 0; set another --lr, or leave it out for the default"


@pytest.mark.parametrize(
    ("status", "output", "outcome", "missing"),
    [
        (1, GOOD, "told", []),
        (1, "lr: found -0.1, expected number > 0", "lacking", ["remedy"]),
        (1, "lr is wrong: set another", "lacking", ["found", "expected"]),
        (1, "Traceback\n  …\nRuntimeError: Failed to instantiate component", "lacking", list(POINTS)),
        (1, GOOD + "\nand\nthen\nfive\nother\nlines", "lacking", list(POINTS)),
        (1, "DEBUG=1 in the environment shows the traceback of this:\n" + GOOD + "\n1\n2\n3\n4", "told", []),
        (0, "", "silent", list(POINTS)),
        (BEGAN, GOOD, "silent", []),
        (LATE, GOOD, "late", []),
        (None, GOOD, "hung", []),
        (-11, GOOD, "told", []),
    ],
)  # fmt: skip
def test_a_message_has_its_four_points_in_its_last_lines(status, output, outcome, missing):
    verdict = judge(WRONG, status, output)
    assert (verdict.outcome, verdict.missing) == (outcome, missing)


def test_a_word_that_is_part_of_another_is_no_remedy():
    """ "preset" and "asset" is a "set"."""
    assert judge(WRONG, 1, "lr: found -0.1, expected > 0 in the preset of the assets").missing == ["remedy"]


def test_the_last_lines_are_those_after_the_note_or_the_last_four():
    assert last_lines("a\n\nb\nc\nd\ne\n") == "b\nc\nd\ne"
    assert last_lines("a\nDEBUG=1 in the environment shows it:\nb\nc") == "b\nc"


def test_there_are_more_than_500_inputs_of_every_kind_of_command():
    inputs = all_inputs()
    names = [(wrong.kind, wrong.command, wrong.name) for wrong in inputs]
    assert len(names) == len(set(names)) >= 500
    assert {control.command for control in controls()} <= {wrong.command for wrong in inputs}
    for wrong in inputs:
        assert wrong.place and wrong.found and wrong.expected and wrong.remedy, wrong


def test_a_sample_has_every_kind():
    inputs = all_inputs()
    assert {wrong.kind for wrong in sample(inputs, 17)} == {wrong.kind for wrong in inputs}
    assert sample(inputs, 17) == sample(inputs, 17)
    assert len(sample(inputs, 30)) == 30


def test_paths_are_filled_in_and_braces_of_configs_stay():
    from tests.campaign.process import _filled

    assert _filled("--space {'lr':[1]} {out}/x", {"out": "/o"}) == "--space {'lr':[1]} /o/x"
    assert Path(_filled("{here}/out", {"here": "/h"})) == Path("/h/out")
