"""The study that machines share: whose trials are taken over, and who may join."""

import itertools
import os
import socket
import time

import optuna
import pytest

from common.runs.search.study import open_storage
from tests.common.runs.search.quadratic import SPACE, STEPS, Runner

# who works on it, seconds since the last beat: whether it is lost
WORKERS = {
    "this process": (socket.gethostname(), os.getpid(), 0, True),
    "a living process of this host": (socket.gethostname(), os.getppid(), 0, False),
    "a living process of this host, silent": (socket.gethostname(), os.getppid(), 601, True),
    "another host": ("elsewhere", 1, 500, False),
    "another host, silent": ("elsewhere", 1, 601, True),
}


@pytest.mark.parametrize("case", WORKERS)
def test_whose_trial_is_taken_over(search, case):
    host, pid, silent, lost = WORKERS[case]
    study = search(space={"x": [1]}).study()
    study.ask().set_user_attr("worker", {"host": host, "pid": pid, "beat": time.time() - silent})
    runner = Runner()
    rows = search(runner, {"x": [1]}).run()
    assert runner.trained() == ([(1, None)] if lost else [])
    assert [row["state"] for row in rows] == ["complete" if lost else "running"]


def test_two_processes_share_a_study(search):
    """The second starts while the first trains: each trial is run once."""
    second = Runner()

    class First(Runner):
        def train(self, options, folder, watch):
            if not second.calls:
                other.run()
            super().train(options, folder, watch)

    first = First()
    other, one = search(second), search(first)
    os_getpid = os.getpid
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("common.runs.search.study.os.getpid", lambda: os_getpid() if not second.calls else 1)
        other.run = lambda run=other.run: _as(patch, os.getppid(), run)
        one.run()
    assert sorted(first.trained() + second.trained()) == sorted(itertools.product(*SPACE.values()))
    assert len(first.trained()) == 1


def _as(patch, pid, run):
    """Run in the name of another living process."""
    with patch.context() as inner:
        inner.setattr("common.runs.search.study.os.getpid", lambda: pid)
        run()


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"space": {"x": [1], "y": [0.5]}}, r"study 'search' in .*\n  space\.x: found \[-1, 0, 2\], expected \[1\]"),
        ({"direction": "maximize"}, "direction: found 'minimize', expected 'maximize'"),
        (
            {"steps": [{"run_id": "training", "options": {"max_steps": 9}}, STEPS[1]]},
            r"  steps\.0\.options\.max_steps: found None, expected 9",
        ),
    ],
)
def test_another_search_does_not_join_a_study(search, other, words):
    search().run()
    with pytest.raises(ValueError, match=words):
        search(**other).run()
    assert len(search(**other, study="another").run()) > 0


def test_a_study_that_was_killed_while_it_was_filled_is_completed(search, monkeypatch):
    half = search()
    study = optuna.create_study(storage=half.storage, study_name="search", direction="minimize")
    study.set_user_attr("search", half.plan.describe())
    study.enqueue_trial(half.plan.points[0], user_attrs={"point": half.plan.points[0]})
    monkeypatch.setattr("common.runs.search.study._CREATION", 0)
    runner = Runner()
    search(runner).run()
    assert runner.trained() == list(itertools.product(*SPACE.values()))


def test_a_storage_that_cannot_be_opened_is_named():
    with pytest.raises(ValueError, match=r"storage is 'foo://bar', which cannot be opened .*: set another --storage"):
        open_storage("foo://bar")
