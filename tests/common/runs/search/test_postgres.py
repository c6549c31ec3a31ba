"""A study in PostgreSQL: two machines share it, one is killed, and the other finishes it."""

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import optuna
import pytest

from tests.common.runs.search.shared_search import SPACE
from tests.fresh_process import FreshProcess

ROOT = Path(__file__).parents[4]
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if shutil.which("initdb") is None else [None]


def as_other_user(command):
    """PostgreSQL refuses to be started by root."""
    return command if os.getuid() else ["runuser", "-u", "postgres", "--", *command]


@pytest.fixture(scope="module")
def postgres():
    """Address of an empty database of a server of its own, which listens in a temporary folder alone."""
    pytest.importorskip("psycopg", reason="no psycopg: pip install -r requirements-cluster.txt")
    if not PROGRAMS:
        pytest.skip("no PostgreSQL: apt-get install postgresql")
    find = (lambda name: name) if PROGRAMS[-1] is None else (lambda name: str(PROGRAMS[-1] / name))
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # a socket's path must be short
        if not os.getuid():
            shutil.chown(folder, "postgres")
        run = {"check": True, "cwd": folder, "stdout": subprocess.DEVNULL}
        data = f"{folder}/data"
        subprocess.run(as_other_user([find("initdb"), "-D", data, "-U", "postgres", "-A", "trust"]), **run)
        start = [find("pg_ctl"), "-D", data, "-w", "-l", f"{folder}/log"]
        listen = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        subprocess.run(as_other_user([*start, "-o", listen, "start"]), **run)
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            subprocess.run(as_other_user([*start, "-m", "immediate", "stop"]), **run)


@pytest.mark.postgres
def test_a_study_is_finished_by_the_machine_that_is_left(postgres, tmp_path):
    code = "from tests.common.runs.search.shared_search import work; work({!r}, storage={!r}, host={!r})"
    start = [code.format(str(tmp_path), postgres, host) for host in ("first", "second")]
    trials = tmp_path / "search" / "trials"
    first, second = (FreshProcess(["-c", code], folder=ROOT) for code in start)
    wait_for(lambda: len({path.read_text() for path in trials.glob("*/training/hosts")} - {""}) == 2, first)
    os.kill(first.pid, signal.SIGKILL)
    ended = second.wait(120)
    assert ended.returncode == 0, ended.stderr
    study = optuna.load_study(study_name="search", storage=postgres)
    done = [trial for trial in study.trials if trial.state is optuna.trial.TrialState.COMPLETE]
    points = sorted((trial.params["x"], trial.params["y"]) for trial in done)
    assert points == sorted(itertools.product(*SPACE.values()))
    hosts = [path.read_text().split() for path in sorted(trials.glob("*/training/hosts"))]
    assert len(hosts) == 6 and {"first", "second"} == set(itertools.chain(*hosts))
    lost = [trial for trial in study.trials if trial.state is optuna.trial.TrialState.FAIL]
    assert (
        len(lost) == sum(len(names) - 1 for names in hosts) <= 1
    )  # the one that was killed, begun again in its folder


def wait_for(condition, process, seconds=300):
    until = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < until, process.outputs()
        time.sleep(0.1)
