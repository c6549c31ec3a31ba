"""The processes of workflows: what they are given, and when they are ended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest

from common.runs.workflow_run import end_orphans, run_process, run_workflow
from common.stopping import STOP_SIGNALS, Stopped


@pytest.fixture
def sleeping_python(tmp_path, monkeypatch):
    """Every workflow is a process that sleeps."""
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nexec sleep 60\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))


def test_what_the_watch_raises_ends_the_process(sleeping_python, tmp_path):
    seen = []

    def watch():
        seen.append(int((tmp_path / "log.pid").read_text()))
        if len(seen) == 2:
            raise optuna.TrialPruned

    with pytest.raises(optuna.TrialPruned):
        run_workflow("training", ["a.yaml"], {}, tmp_path / "log", watch=watch, interval=0.01)
    assert seen[0] == seen[1]
    with pytest.raises(ProcessLookupError):
        os.kill(seen[0], 0)
    assert not (tmp_path / "log.pid").exists()


CAREFUL = """
import pathlib, signal, sys, time
def keep(*_):
    time.sleep(0.2)
    pathlib.Path("kept").touch()
    sys.exit(143)
signal.signal(signal.SIGTERM, keep)
pathlib.Path("begun").touch()
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_this_process_lets_the_command_keep_its_state_first(number, tmp_path, monkeypatch):
    def watch():
        if Path("begun").exists():
            os.kill(os.getpid(), number)

    monkeypatch.chdir(tmp_path)
    STOP_SIGNALS.listen()
    try:
        with pytest.raises(Stopped) as caught:
            run_process([sys.executable, "-c", CAREFUL], tmp_path / "log", watch=watch, interval=0.05)
    finally:
        STOP_SIGNALS.leave()
    assert caught.value.code == 128 + number
    assert (tmp_path / "kept").exists()
    assert not (tmp_path / "log.pid").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are told apart in /proc")
def test_the_training_of_a_killed_search_is_ended_before_it_goes_on(tmp_path):
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    ours = subprocess.Popen([*command, f"--output_dir={tmp_path}/1/training"])
    deep = subprocess.Popen([*command, "--output_dir", "1/arm/fold_0/training"], cwd=tmp_path)  # as it was typed
    other = subprocess.Popen([*command, f"--output_dir={tmp_path}/10/training"])
    for name, process in (("training", ours), ("inferring", other), ("arm/fold_0", deep)):
        (tmp_path / "1" / name).mkdir(parents=True)
        (tmp_path / "1" / name / "run.pid").write_text(str(process.pid))
    time.sleep(0.2)
    end_orphans(tmp_path / "1")
    assert ours.wait(timeout=5) == -signal.SIGTERM
    assert deep.wait(timeout=5) == -signal.SIGTERM
    assert other.poll() is None
    other.kill()
    other.wait()
    assert not list(tmp_path.rglob("*.pid"))


def test_a_failing_workflow_shows_its_last_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match=r"`run training` failed with 1, see .*training\.log"):
        run_workflow("training", ["train.yaml"], {"lr": 1}, tmp_path / "training.log")


def test_flags_are_what_a_user_would_type(tmp_path, monkeypatch):
    script = tmp_path / "python"
    script.write_text('#!/bin/sh\nfor part in "$@"; do echo "$part"; done\n')
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    run_workflow(
        "training", ["a.yaml", "b.yaml"], {"lr": 0.1, "fold": None, "checkpoint": ["x", "y"]}, tmp_path / "log"
    )
    assert (tmp_path / "log").read_text().splitlines() == [
        *("-m", "monai.bundle", "run", "training", "--config_file", "['a.yaml', 'b.yaml']"),
        *("--lr=0.1", "--checkpoint=['x', 'y']"),
    ]


@pytest.mark.parametrize(
    ("set_before", "environment", "expected"),
    [(None, None, "PASSIVE"), ("ACTIVE", None, "ACTIVE"), ("ACTIVE", {"PATH": "/usr/bin"}, "PASSIVE")],
)
def test_what_is_started_waits_asleep_unless_the_user_says_otherwise(
    tmp_path, monkeypatch, set_before, environment, expected
):
    if set_before is None:
        monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    else:
        monkeypatch.setenv("OMP_WAIT_POLICY", set_before)
    says = [sys.executable, "-c", "import os; print(os.environ['OMP_WAIT_POLICY'])"]
    assert run_process(says, tmp_path / "log", environment=environment) == 0
    assert (tmp_path / "log").read_text().strip() == expected
