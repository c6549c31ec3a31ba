"""Commands in forks of one process that has imported all, so that hundreds of them are affordable."""

import gc
import importlib
import os
import runpy
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .world import ROOT, paths_for
from .wrong_input import BEGAN, LATE, Verdict, Wrong, judge

LIMIT = 240  # seconds for one command


def import_all():
    """What commands import: packages and this checkout."""
    for name in ("monai.bundle", "monai.apps.auto3dseg", "monai.networks.nets", "monai.losses", "ignite.engine"):
        importlib.import_module(name)
    for name in ("matplotlib.pyplot", "torch.utils.tensorboard", "skimage.measure", "sklearn.manifold", "waitress"):
        importlib.import_module(name)
    for path in sorted((ROOT / "common").rglob("*.py")):
        if path.name != "__main__.py" and "templates" not in path.parts:
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            importlib.import_module(module)
    gc.freeze()  # each fork would copy it all where it is walked


@dataclass
class Forked:
    """A fork that runs a command."""

    pid: int
    started: float
    files: list[Path]

    def output(self) -> str:
        """What it wrote."""
        return "".join(path.read_text(errors="replace") for path in self.files if path.is_file())


def fork(arguments: Iterable[str], here: Path, *, watched: bool, environment: dict[str, str] | None = None) -> Forked:
    """Start ``python ARGUMENTS`` in a fork.

    Args:
        arguments: ``-m module …``.
        here: Folder for what it writes to its two outputs.
        watched: Whether it ends with `BEGAN` where its work begins.
        environment: Beside that of this process.
    """
    files = [here / "stdout.txt", here / "stderr.txt"]
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            status = _run(list(arguments), files, watched, environment or {})
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(status)
    return Forked(pid, time.monotonic(), files)


def _run(arguments: list[str], files: list[Path], watched: bool, environment: dict[str, str]) -> int:
    """In the fork: become that command; its exit status."""
    os.setpgrp()
    for number, path in enumerate(files, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.environ.update({"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", **environment})
    os.chdir(ROOT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _, module, *rest = arguments
    sys.argv = [module, *rest]
    begun = _watch(watched)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return LATE if begun else 1
    return 0


def _watch(stop: bool) -> list[bool]:
    """Note, or end the process, where work begins: an engine, another process, a server; the list is filled then."""
    import subprocess

    from ignite.engine import Engine
    from monai.apps.auto3dseg import AutoRunner
    from waitress.server import BaseWSGIServer

    begun: list[bool] = []

    def note(owner, name, is_work=lambda *_: True):
        real = getattr(owner, name)

        def call(*args, **options):
            if is_work(*args):
                if stop:
                    sys.stdout.flush()
                    os._exit(BEGAN)
                begun.append(True)
            return real(*args, **options)

        setattr(owner, name, call)

    for once in ("_run_once_on_dataset_legacy", "_run_once_on_dataset_as_gen"):  # after handlers took up a checkpoint
        note(Engine, once, lambda engine, *_: getattr(engine, "optimizer", None) or stop)
    note(AutoRunner, "run")
    note(BaseWSGIServer, "run")
    note(subprocess.Popen, "__init__", lambda _, command, *__: "monai.bundle" in command)
    return begun


def run_all(inputs: list[Wrong], world: Path, *, processes: int = 2, keep: Path | None = None) -> Iterator[Verdict]:
    """Verdicts in the order in which the commands end.

    Args:
        inputs: To try.
        world: See `make_world`.
        processes: At once.
        keep: Folder for the outputs; a temporary one by default.
    """
    left, running = list(enumerate(inputs)), {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary)
        while left or running:
            while left and len(running) < processes:
                number, wrong = left.pop(0)
                here = folder / f"{number:04}"
                paths = paths_for(wrong, world, here)
                arguments = [_filled(word, paths) for word in wrong.arguments]
                forked = fork(arguments, here, watched=not wrong.end)
                running[forked.pid] = (wrong, here, forked)
            for pid in list(running):
                wrong, here, forked = running[pid]
                seconds = time.monotonic() - forked.started
                done, status = os.waitpid(pid, os.WNOHANG)
                if not done and seconds > LIMIT:
                    os.killpg(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    status = None
                elif not done:
                    continue
                del running[pid]
                code = None if status is None else os.waitstatus_to_exitcode(status)
                yield judge(wrong, code, forked.output(), seconds)
                shutil.rmtree(here, ignore_errors=True)
            time.sleep(0.02)


def _filled(word: str, paths: dict[str, str]) -> str:
    for name, path in paths.items():
        word = word.replace(f"{{{name}}}", path)
    return word
