"""Signals: what a run keeps, what it says, and how it ends."""

import logging
import os
import signal
import sys
import time

import pytest
from ignite.engine import Engine, Events

from common import stopping
from common.one_run import end_all_runs
from common.stopping import STOP_SIGNALS, Stopped


@pytest.fixture(autouse=True)
def signals():
    end_all_runs()  # of tests before, which may have left a failed run's folder as a notebook does
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    STOP_SIGNALS.listen()
    yield STOP_SIGNALS
    STOP_SIGNALS.leave()
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code", "name"), [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGINT, 130, "SIGINT")])
def test_a_signal_ends_with_one_line_and_the_shells_code(capsys, number, code, name):
    with pytest.raises(Stopped) as caught:
        send(number)
    assert caught.value.code == code
    assert capsys.readouterr().err.split("\n") == [
        "",
        f"{name}: ended; the same command goes on with what is finished",
        "",
    ]


def test_what_would_be_lost_is_waited_for(signals, capsys):
    signals.keep = lambda: None
    send(signal.SIGTERM)
    send(signal.SIGTERM)  # torchrun and SLURM each send one
    assert signals.number == signal.SIGTERM
    with pytest.raises(Stopped):
        signals.end("kept")
    assert capsys.readouterr().err == "\nSIGTERM: kept\n"


def test_a_second_ctrl_c_ends_at_once_but_not_the_same_key_handed_on(signals, monkeypatch):
    signals.keep = lambda: None
    send(signal.SIGINT)
    send(signal.SIGINT)
    monkeypatch.setattr(stopping, "_ONE_KEY", 0)
    with pytest.raises(Stopped):
        send(signal.SIGINT)


def test_a_signal_ends_while_something_is_finalised(capsys):
    """What is raised in a finaliser or in the callback of a weak reference is dropped by Python."""

    class Finalised:
        def __del__(self):
            send(signal.SIGTERM)
            time.sleep(0.05)  # the handler runs here

    with pytest.raises(Stopped) as caught:
        Finalised()
        time.sleep(5)
    assert caught.value.code == 143
    assert capsys.readouterr().err == "\nSIGTERM: ended; the same command goes on with what is finished\n"


def test_other_errors_of_finalisers_are_shown_as_ever(signals, monkeypatch):
    class Broken:
        def __del__(self):
            raise ValueError("broken")

    shown = []
    signals.leave()
    monkeypatch.setattr(sys, "unraisablehook", lambda error: shown.append(str(error.exc_value)))
    signals.listen()
    Broken()
    signals.leave()
    Broken()
    assert shown == ["broken", "broken"]


def test_an_engine_does_not_call_it_an_error(caplog):
    engine = Engine(lambda *_: None)
    engine.add_event_handler(Events.ITERATION_COMPLETED, lambda _: send(signal.SIGTERM))
    with caplog.at_level(logging.ERROR), pytest.raises(Stopped):
        engine.run([0])
    assert caplog.text == ""
    broken = Engine(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        broken.run([0])
    assert "division" in caplog.text


def test_processes_that_are_forked_off_leave_it_to_this_one():
    process = os.fork()
    if not process:
        send(signal.SIGTERM)
        send(signal.SIGINT)
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 7
