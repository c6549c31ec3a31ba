"""SIGTERM and Ctrl-C: a run keeps what it has made, says so in one line, and ends with 143 or 130."""

import atexit
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

logger = logging.getLogger(__name__)
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
PARENT = "RUN_PARENT"  # in the environment: the id of the process without which this one is to end
_ONE_KEY = 2.0  # seconds: torchrun hands on the Ctrl-C that the terminal has given to its processes already


class Stopped(SystemExit):
    """The run was told to end; its code is 128 + the signal's number, as a shell would say."""


class StopSignals:
    """Listens to SIGTERM and Ctrl-C while a run is under way.

    Attributes:
        number: Of the signal that has come; 0 while none has.
        keep: What a signal calls, where something would be lost. It keeps what there is and says so in a sentence, or
            returns None while that cannot be: then whoever has set it looks at `number` later, and calls `end`.
    """

    def __init__(self) -> None:
        self.number = 0
        self.keep: Callable[[], str | None] | None = None
        self._came = 0.0
        self._before: dict[int, Any] = {}
        self._hook: Callable[[Any], Any] = sys.__unraisablehook__

    @property
    def listening(self) -> bool:
        """Whether signals come here."""
        return bool(self._before)

    def listen(self) -> None:
        """Take the signals over, also where a shell has started us with Ctrl-C ignored (``… &``).

        In a thread other than the main one they stay with whoever has them.
        """
        if not self._before and threading.current_thread() is threading.main_thread():
            self.number, self.keep = 0, None
            self._hook, sys.unraisablehook = sys.unraisablehook, self._raise_again
            self._before = {number: signal.signal(number, self._receive) for number in _SIGNALS}

    def leave(self) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._before:
            sys.unraisablehook = self._hook
        self._before, self.keep = {}, None

    def end(self, note: str) -> NoReturn:
        """Say why and where it ends, unless another process says it (an empty `note`), and end.

        Raises:
            Stopped: Always.
        """
        for name in [name for name in logging.root.manager.loggerDict if name.startswith("ignite.")]:
            logging.getLogger(name).addFilter(_is_no_stop)  # an engine would call it an error
        atexit.register(_end_workers, os.getpid())
        if note:
            sys.stderr.write(f"\n{self.name}: {note}\n")
            sys.stderr.flush()
        raise Stopped(128 + self.number)

    @property
    def name(self) -> str:
        """Of the signal that has come."""
        return signal.Signals(self.number).name

    def _receive(self, number: int, _: Any) -> None:
        if self.number:  # once is enough; a second Ctrl-C is impatience
            if number == signal.SIGINT and time.monotonic() - self._came > _ONE_KEY:
                self.end("ended at once, as it came twice; what was not kept by then is lost")
            return
        self.number, self._came = number, time.monotonic()
        note = self.keep() if self.keep else "ended; the same command goes on with what is finished"
        if note is not None:
            self.end(note)

    def _raise_again(self, swallowed: Any) -> None:
        """Python drops what a handler raises while something is being finalised: end a moment later, from outside."""
        if not isinstance(swallowed.exc_value, Stopped):
            self._hook(swallowed)
            return
        signal.signal(signal.SIGALRM, self._stop_now)
        signal.setitimer(signal.ITIMER_REAL, 0.01)

    def _stop_now(self, *_: Any) -> NoReturn:
        raise Stopped(128 + self.number)


def end_with_parent() -> None:
    """Let this process end, as by SIGTERM, soon after the one that ``RUN_PARENT`` in its environment names, if any.

    What a worker of a cluster has started must not go on beside its repetition on another machine, which cannot end it.
    """
    parent = int(os.environ.get(PARENT) or 0)
    if parent:
        threading.Thread(target=_follow, args=(parent, os.getpid()), daemon=True).start()


def _follow(parent: int, process: int) -> None:
    while process_lives(parent):
        time.sleep(1)
    os.kill(process, signal.SIGTERM)


def process_lives(pid: int) -> bool:
    """Whether this machine has such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_no_stop(_: logging.LogRecord) -> bool:
    return not isinstance(sys.exc_info()[1], Stopped)


def _end_workers(process: int) -> None:
    """End what loads data for this process, which PyTorch would wait for, 5 s each; they have nothing to keep."""
    if os.getpid() == process:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # PyTorch's handler would call it a failure
        for child in multiprocessing.active_children():
            if child.daemon:
                child.kill()


def _leave_signals_to_the_parent() -> None:
    """In processes that are forked off, such as a data loader's workers: a signal to the whole group ends the run.

    PyTorch's own handlers would end a worker in the middle of a step, and with it the step.
    """
    if STOP_SIGNALS.listening:
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


STOP_SIGNALS = StopSignals()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_signals_to_the_parent)
