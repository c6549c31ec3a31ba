"""A bar for people, lines for logs."""

import io

import pytest
from ignite.engine import Engine

from common import progress
from common.handlers.loss_progress import LossProgress
from common.handlers.run_progress import RunProgress
from common.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    """Seconds that pass by themselves."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def pass_by(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock)
    monkeypatch.setattr("tqdm.std.time", clock)
    monkeypatch.setattr(Progress, "_last", -60.0)
    return clock


def test_a_log_gets_a_line_a_minute_and_the_last(clock, capsys):
    for _ in Progress(range(100), "checking"):
        clock.pass_by(3)
    log = capsys.readouterr().err
    lines = log.splitlines()
    assert len(lines) == 6  # after 12 s, then each minute, and the end
    assert lines[0].startswith("checking: 4/100, 4 % [00:12<")
    assert lines[-1].startswith("checking: 100/100, 100 % [05:00<00:00, ")
    assert "\r" not in log


def test_short_work_leaves_no_line(clock, capsys):
    for _ in Progress(range(100), "checking"):
        clock.pass_by(0.09)
    assert capsys.readouterr().err == ""


def test_progress_that_is_switched_off_says_nothing(clock, capsys):
    for _ in Progress(range(100), "checking", disable=True):
        clock.pass_by(3)
    assert capsys.readouterr().err == ""


def test_what_has_no_known_end_is_counted(clock, capsys):
    for _ in Progress(iter(range(30)), "reading"):
        clock.pass_by(1)
    assert "30it" in capsys.readouterr().err.splitlines()[-1]


def test_a_terminal_gets_a_bar(clock, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    for _ in Progress(range(3), "checking"):
        clock.pass_by(1)
    assert "\rchecking: " in terminal.getvalue() and "|" in terminal.getvalue()


def run(bar, clock, *, epochs, seconds):
    def step(engine, batch):
        clock.pass_by(seconds)
        return {"loss": 0.25}

    engine = Engine(step)
    bar.attach(engine)
    engine.run(range(10), max_epochs=epochs)


def test_short_epochs_of_a_training_share_the_lines(clock, capsys):
    run(LossProgress(desc="segresnet"), clock, epochs=30, seconds=2)  # 600 s, 20 s each
    log = capsys.readouterr().err
    lines = log.splitlines()
    assert 8 <= len(lines) <= 11
    assert all(line.startswith("segresnet [") and "loss=0.25" in line for line in lines)
    assert "\r" not in log


def test_an_inference_says_how_far_it_is(clock, capsys):
    run(RunProgress(desc="generating"), clock, epochs=1, seconds=20)
    log = capsys.readouterr().err
    lines = log.splitlines()
    assert [line.split(",")[0] for line in lines] == ["generating: 1/10", "generating: 4/10", "generating: 7/10"] + (
        ["generating: 10/10"] * (len(lines) - 3)
    )
    assert len(lines) in (4, 5)
