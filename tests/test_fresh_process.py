"""Forked processes that stand for a start of Python."""

import signal

from tests.fresh_process import FreshProcess, run_fresh

LOOK = """
import os, sys
print(os.getcwd() == sys.path[0], sys.argv, os.environ["WORD"], [n for n in ("common", "tests") if n in sys.modules])
import monai, pytest, common
"""


def test_it_has_a_folder_arguments_and_an_environment_of_its_own_and_not_the_checkout(tmp_path):
    done = run_fresh(["-c", LOOK, "a", 1], folder=tmp_path, environment={"WORD": "b"})
    assert done.stdout == "True ['-c', 'a', '1'] b []\n"
    assert done.returncode == 1
    assert done.stderr.endswith("No module named 'common'\n")


def test_its_end_is_known(tmp_path):
    assert run_fresh(["-c", "raise SystemExit(3)"], folder=tmp_path).returncode == 3
    sleeping = FreshProcess(["-c", "import time; time.sleep(60)"], folder=tmp_path)
    assert sleeping.poll() is None
    sleeping.kill()
    assert sleeping.poll() == -signal.SIGKILL


def test_processes_draw_differently(tmp_path):
    code = "import numpy, random; print(numpy.random.rand(), random.random())"
    draws = [run_fresh(["-c", code], folder=tmp_path).stdout.split() for _ in range(2)]
    assert len({*draws[0], *draws[1]}) == 4
