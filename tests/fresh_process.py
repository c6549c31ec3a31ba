"""Python processes as a user starts them, without the seconds that importing torch and MONAI takes each time.

One server for each test process imports the installed packages, nothing of the checkout, and forks: a child has a
command line, a folder, an environment and a search path of its own, as ``python ARGUMENTS`` has, and may be killed. It
shares the seed of hashes and the packages' state after their import with its siblings, and nothing with the tests.
"""

import gc
import multiprocessing
import os
import runpy
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

# what a workflow imports beside the checkout
_PACKAGES = ["monai.bundle", "ignite.engine", "matplotlib.pyplot", "torch.utils.tensorboard", "skimage.measure"]
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(_PACKAGES)
_INSTALLED = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]


@dataclass(frozen=True)
class Finished:
    """What is left of a process, as of `subprocess.run`."""

    returncode: int
    stdout: str
    stderr: str


class FreshProcess:
    """``python ARGUMENTS`` in `folder`, from which it may import, running as soon as it is made.

    Args:
        arguments: ``-m module …`` or ``-c code …``.
        folder: Working directory, first on the search path; no other part of the checkout is on it.
        environment: Laid over that of this process.
    """

    def __init__(self, arguments, *, folder, environment=None):
        self._written = tempfile.TemporaryDirectory()
        self._outputs = [Path(self._written.name) / name for name in ("stdout", "stderr")]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})}
        given = (list(map(str, arguments)), str(folder), environment, list(map(str, self._outputs)))
        self._process = _SERVER.Process(target=_run, args=given)
        self._process.start()
        self.pid = self._process.pid

    def poll(self):
        """Exit status, negative for a signal; None while it runs."""
        return self._process.exitcode

    def outputs(self):
        """What it wrote so far to stdout and stderr."""
        return [path.read_text(errors="replace") if path.is_file() else "" for path in self._outputs]

    def kill(self):
        """SIGKILL, and wait for the end."""
        self._process.kill()
        self._process.join()

    def wait(self, timeout=None):
        """What is left of it when it has ended; it is killed after `timeout` seconds."""
        self._process.join(timeout)
        if self.poll() is None:
            self.kill()
        return Finished(self.poll(), *self.outputs())


def run_fresh(arguments, *, folder, environment=None):
    """What is left of ``python ARGUMENTS``; see `FreshProcess`."""
    return FreshProcess(arguments, folder=folder, environment=environment).wait()


def _run(arguments, folder, environment, outputs):
    """In the child: become the process that was asked for."""
    gc.freeze()  # to walk what the server imported would copy all its pages
    for number, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.dont_write_bytecode = True  # into what it may have been given to check
    _forget_the_checkout(folder)
    _seed_as_at_a_start()
    kind, what, *rest = arguments
    sys.argv = [kind, *rest]
    try:
        if kind == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
    except Exception:  # as at the end of an interpreter; multiprocessing would print the traceback itself
        sys.excepthook(*sys.exc_info())
        sys.exit(1)


def _forget_the_checkout(folder):
    """Leave what is installed, and `folder`, on the search path."""
    paths = [path for path in sys.path if any(Path(path).is_relative_to(root) for root in _INSTALLED)]
    sys.path[:] = [folder, *paths]
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    assert "common" not in sys.modules


def _seed_as_at_a_start():
    """NumPy draws a seed at each start; torch's is fixed, and Python's own is drawn anew in every fork."""
    import numpy as np
    import torch

    np.random.seed()  # noqa: NPY002 what workflows may use unseeded is this one
    torch.set_num_threads(1)
