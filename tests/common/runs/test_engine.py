"""Runs on workers: at once, in their order, and what is left where a worker or whoever asked is killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from common.runs.engine import Engine
from common.runs.experiment import Experiment
from common.runs.tasks import run_tasks
from common.runs.workflow_run import Workflow
from tests.common.runs.short_runs import run_short, starts, task

distributed = pytest.importorskip("distributed", reason="no dask.distributed: pip install -r requirements-cluster.txt")


def wait_for(condition, seconds=300.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.05)


def _runs(pid):
    """Whether there is such a process that has not ended; one whose parent was killed may wait for init to take it."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return sys.platform != "linux"


def _python(code):
    """A process that imports neither torch nor MONAI: it starts at once. Its workers share one import of dask."""
    shared = {**os.environ, "DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "forkserver"}
    return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, env=shared)


def test_two_workers_run_an_experiment_at_once_and_in_its_order(tmp_path):
    arms = [
        {"name": "real", "options": {"seconds": 3}},
        {"name": "generated", "options": {"seconds": 3}},
        {"name": "tuned", "start_from": "generated"},
    ]
    workflows = {"training": Workflow("training", ["t.yaml"]), "evaluating": Workflow("evaluating", ["e.yaml"])}
    given = {"folds": [0], "output_dir": tmp_path, "runner": run_short, "engine": Engine(workers=2)}
    trials = Experiment(arms, **workflows, **given)
    assert trials.run() == {arm["name"]: [{"a": 0.5}] for arm in arms}
    first, second, tuned = (starts(tmp_path / arm["name"] / "fold_0")[0] for arm in arms)
    assert abs(first[2] - second[2]) < 3 and first[1] != second[1]
    assert tuned[2] > second[2] + 3
    assert json.loads((tmp_path / "tuned/fold_0/done.json").read_text())["configs"] == ["t.yaml"]
    assert trials.run() and len(starts(tmp_path / "real/fold_0")) == 1


def test_a_failure_ends_the_others_which_keep_their_state(tmp_path):
    tasks = [task(tmp_path / "good", 60), task(tmp_path / "bad", -1), task(tmp_path / "later")]
    with pytest.raises(RuntimeError, match="`run training` failed with 1: out of memory"):
        run_tasks(tasks, runner=run_short, engine=Engine(workers=2), desc="runs")
    if (tmp_path / "good/starts").exists():
        assert (tmp_path / "good/kept").exists()
        with pytest.raises(ProcessLookupError):
            os.kill(starts(tmp_path / "good")[0][0], 0)
    assert not list(tmp_path.rglob("*.pid"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are told apart in /proc")
def test_a_killed_worker_loses_nothing_but_its_step(tmp_path):
    command = f"from tests.common.runs.short_runs import run_two; run_two({str(tmp_path)!r}, 60, 1)"
    client = _python(command)
    wait_for(lambda: (tmp_path / "a/starts").exists())
    time.sleep(0.3)
    os.kill(starts(tmp_path / "a")[0][1], signal.SIGKILL)
    assert client.wait(300) == 0, client.stderr.read()
    (first, lost, _), (_, other, _) = starts(tmp_path / "a")
    assert lost != other and (tmp_path / "a/kept").exists() and (tmp_path / "a/done.json").exists()
    wait_for(lambda: not _runs(first))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are told apart in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_same_command_goes_on_after_the_end_of_who_asked(number, tmp_path):
    command = f"""
from common.runs.workflow_run import end_orphans
from common.stopping import STOP_SIGNALS
from tests.common.runs.short_runs import Path, run_two
STOP_SIGNALS.listen()
end_orphans(Path({str(tmp_path)!r}))
run_two({str(tmp_path)!r}, 60, 0)
"""
    client = _python(command)
    wait_for(lambda: (tmp_path / "a/starts").exists() and (tmp_path / "b/done.json").exists())
    time.sleep(0.3)
    os.kill(client.pid, number)
    client.wait(300)
    if number != signal.SIGKILL:
        assert client.returncode == 128 + number, client.stderr.read()
        assert (tmp_path / "a/kept").exists()  # before the command has ended
    client = _python(command)
    assert client.wait(300) == 0, client.stderr.read()
    assert len(starts(tmp_path / "a")) == 2 and len(starts(tmp_path / "b")) == 1
    assert (tmp_path / "a/kept").exists() and (tmp_path / "a/done.json").exists()


def test_a_scheduler_elsewhere_ends_what_a_killed_client_wanted(tmp_path):
    code = (
        "from tests.common.runs.short_runs import Engine, run_two; run_two({!r}, {}, 0, engine=Engine(scheduler={!r}))"
    )
    with distributed.LocalCluster(1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
        client = _python(code.format(str(tmp_path), 60, cluster.scheduler_address))
        wait_for(lambda: (tmp_path / "a/starts").exists())
        time.sleep(0.3)
        client.kill()
        wait_for(lambda: (tmp_path / "a/kept").exists())
        client = _python(code.format(str(tmp_path), 60, cluster.scheduler_address))
        assert client.wait(300) == 0, client.stderr.read()
    assert [len(starts(tmp_path / name)) for name in "ab"] == [2, 1]


def test_what_cannot_be_an_engine_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="has workers of its own: leave --workers out"):
        Engine(workers=2, scheduler="tcp://a:1")
    with pytest.raises(ValueError, match=r"workers is 64, each with 1 GPU, but this machine has \d"):
        _open(Engine(workers=64, resources={"GPU": 1}))
    with pytest.raises(ValueError, match=r"scheduler is 'nonsense://1', where none answers"):
        _open(Engine(scheduler="nonsense://1"))
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r"workers is 2, which needs dask.*requirements-cluster\.txt"):
        _open(Engine(workers=2))


def _open(engine):
    with engine.pool():
        pass
