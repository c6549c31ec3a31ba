"""Temporary files: those of living processes stay, those of dead ones go."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common import leftovers
from common.files import replacing
from common.leftovers import remove_leftovers, temporary_folder, temporary_name

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(leftovers.fcntl is None, reason="no locks of this kind on Windows")
WRITER = """
import sys, time
from pathlib import Path
from common.files import replacing
from common.leftovers import temporary_folder
with replacing(sys.argv[1]) as temporary, temporary_folder(Path(sys.argv[1]).parent, "export") as folder:
    temporary.write_text("half")
    (folder / "half").touch()
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writer(tmp_path):
    """Process that is writing ``tmp_path/deep/a.nii.gz`` and a folder beside it."""
    command = [sys.executable, "-c", WRITER, str(tmp_path / "deep" / "a.nii.gz")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def hidden(folder):
    return sorted(folder.rglob(".*-*"))


def test_what_a_living_process_writes_stays_until_it_is_killed(writer, tmp_path):
    assert remove_leftovers(tmp_path) == []
    assert len(hidden(tmp_path)) == 2
    writer.kill()
    writer.wait()
    assert remove_leftovers(tmp_path, deep=False) == []
    assert len(remove_leftovers(tmp_path)) == 2
    assert list((tmp_path / "deep").iterdir()) == []


def test_another_machines_files_and_earlier_versions_go_after_an_hour_of_silence(tmp_path):
    names = [".77-0a1b2c3d-00000000.model.pt", ".77.model.pt", temporary_name("study.db", locked=False)]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / ".77-0a1b2c3d-00000000.link").symlink_to(tmp_path / "nowhere")
    assert remove_leftovers(tmp_path) == []
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0), follow_symlinks=False)
    assert len(remove_leftovers(tmp_path)) == 4


def test_other_hidden_files_stay(tmp_path):
    for name in (".gitignore", ".run.lock", ".1password", "77.model.pt", ".77"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    assert remove_leftovers(tmp_path) == []
    assert remove_leftovers(tmp_path / "missing") == []


def test_a_folder_is_there_for_the_block_alone(tmp_path):
    with temporary_folder(tmp_path / "new", "export") as folder:
        (folder / "part").mkdir()
        assert remove_leftovers(tmp_path) == []
    assert list((tmp_path / "new").iterdir()) == []


def test_where_nothing_can_be_locked_nothing_is_removed(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(leftovers.fcntl, "flock", refuse)
    with replacing(tmp_path / "a.txt") as temporary:
        temporary.write_text("whole")
        assert remove_leftovers(tmp_path) == []
    assert (tmp_path / "a.txt").read_text() == "whole"
