"""The campaign itself: a sample of it each time, all of it before a release."""

from pathlib import Path

import pytest

from tests.fresh_process import FreshProcess

ROOT = Path(__file__).parents[2]


def campaign(*arguments):
    """The campaign forks, so it has a process of its own."""
    done = FreshProcess(["-m", "tests.campaign", *arguments], folder=ROOT).wait(timeout=3600)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-3_000:]


def test_a_sample_of_wrong_inputs_is_told():
    campaign("--sample", "17", "--processes", "1")


@pytest.mark.release
def test_commands_with_nothing_wrong_begin():
    campaign("--controls")


@pytest.mark.release
def test_all_wrong_inputs_are_told():
    campaign()


@pytest.mark.release
def test_no_stop_loses_anything():
    campaign("--kills", "50", "--signals", "20")
