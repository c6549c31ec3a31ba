"""Tasks beside a loop."""

import threading

import pytest

from common.background import Background


def test_tasks_run_while_the_caller_goes_on_and_are_all_done_at_the_end():
    go, done = threading.Event(), []
    background = Background(threads=2, waiting=4)

    def task(number):
        assert go.wait(60)
        done.append(number)

    for number in range(4):
        background.add(task, number)
    assert done == []  # none was waited for
    go.set()
    background.finish()
    assert sorted(done) == [0, 1, 2, 3]


def test_no_more_tasks_are_kept_than_allowed():
    running, most, lock = [], [], threading.Lock()

    def task(number):
        with lock:
            running.append(number)

    background = Background(threads=1, waiting=2)
    for number in range(6):
        background.add(task, number)
        with lock:
            most.append(number + 1 - len(running))
    background.finish()
    assert max(most) <= 2 and running == list(range(6))


def test_an_error_is_raised_where_the_next_task_is_added_or_at_the_end():
    def fail():
        raise OSError("disk full")

    background = Background(threads=1, waiting=1)
    background.add(fail)
    with pytest.raises(OSError, match="disk full"):
        background.add(print)
    background.add(fail)
    with pytest.raises(OSError, match="disk full"):
        background.finish()
