"""One run at a time in an output_dir."""

import json
import os
import socket
import threading
import time
from pathlib import Path

import filelock
import pytest

from common import one_run
from common.leftovers import temporary_name
from common.one_run import FolderInUseError, begin_run, end_all_runs, end_run
from common.stopping import STOP_SIGNALS
from tests.fresh_process import FreshProcess

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys, time
from common.one_run import begin_run
begin_run(sys.argv[1])
print(flush=True)
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def clean():
    yield
    end_all_runs()
    assert not STOP_SIGNALS.listening


@pytest.fixture
def other(tmp_path):
    """Another process, which has tmp_path/out."""
    process = FreshProcess(["-c", HOLDER, tmp_path / "out"], folder=ROOT)
    while not process.outputs()[0]:
        assert process.poll() is None, process.outputs()
        time.sleep(0.01)
    yield process
    process.kill()


def test_another_process_is_named_and_a_dead_one_leaves_nothing_behind(other, tmp_path):
    out = tmp_path / "out"
    known = rf"out is in use by process {other.pid} on {socket.gethostname()}, which has run since 20\d\d-.*T.* \(-c "
    with pytest.raises(FolderInUseError, match=known + ".*name another --output_dir"):
        begin_run(out)
    begin_run(tmp_path / "out" / "below")  # a folder of its own
    other.kill()
    (out / temporary_name("model.pt")).touch()
    begin_run(out)
    assert json.loads((out / ".run.json").read_text())["process"] == os.getpid()
    assert not list(out.glob(".*model.pt"))


def test_a_run_that_has_ended_leaves_the_folder_as_it_was(tmp_path):
    begin_run(tmp_path / "new")
    assert STOP_SIGNALS.listening
    end_run(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    assert not STOP_SIGNALS.listening
    begin_run(tmp_path / "new")


def test_a_failed_run_may_be_repeated_in_its_process(tmp_path):
    begin_run(tmp_path)
    begin_run(tmp_path)
    end_run(tmp_path)
    end_run(tmp_path)


def test_a_run_inside_a_run_ends_alone(tmp_path):
    begin_run(tmp_path)
    begin_run(tmp_path / "segmenter_output")
    end_run(tmp_path / "segmenter_output")
    assert STOP_SIGNALS.listening
    assert (tmp_path / ".run.lock").exists()


def test_a_shared_folder_is_for_all(other, tmp_path):
    begin_run(tmp_path / "out", shared=True)
    end_run(tmp_path / "out")
    assert (tmp_path / "out" / ".run.json").exists()  # the other's


def test_one_of_several_processes_takes_it_for_all(other, tmp_path, monkeypatch):
    monkeypatch.setattr("ignite.distributed.get_world_size", lambda: 2)
    monkeypatch.setattr("ignite.distributed.get_rank", lambda: 1)
    monkeypatch.setattr("ignite.distributed.all_reduce", lambda value: value)
    begin_run(tmp_path / "out")
    end_run(tmp_path / "out")
    monkeypatch.setattr("ignite.distributed.all_reduce", lambda value: value + 1)
    with pytest.raises(FolderInUseError, match="see the first process"):
        begin_run(tmp_path / "out")
    monkeypatch.setattr("ignite.distributed.get_rank", lambda: 0)
    with pytest.raises(FolderInUseError, match=f"process {other.pid}"):
        begin_run(tmp_path / "out")


def test_a_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"output_dir .*file cannot be written \(.*name another --output_dir"):
        begin_run(tmp_path / "file")


def test_without_locks_of_the_system_a_file_names_the_owner(tmp_path, monkeypatch):
    class NoLocks(filelock.FileLock):
        def _acquire(self):
            raise OSError(37, "No locks available")

    monkeypatch.setattr(one_run, "FileLock", NoLocks)
    begin_run(tmp_path)
    assert (tmp_path / ".run.owner").exists()
    with pytest.raises(filelock.Timeout):
        filelock.SoftFileLock(tmp_path / ".run.owner").acquire(timeout=0)
    end_run(tmp_path)
    assert not (tmp_path / ".run.owner").exists()


def test_in_a_thread_signals_stay_where_they_are(tmp_path):
    def run():
        begin_run(tmp_path)
        seen.append(STOP_SIGNALS.listening)

    seen = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [False]
