"""The reason of a failure as the last lines of the output, instead of a traceback through MONAI."""

import linecache
import os
import re
import sys
import traceback
from pathlib import Path
from types import TracebackType

from .stopping import STOP_SIGNALS, end_with_parent

DEBUG = "DEBUG"
_OURS = Path(__file__).resolve().parent
# what MONAI and torch wrap around the error of a component, an expression, a transform, another process
_WRAPPERS = ("Failed to instantiate component", "Failed to evaluate", "applying transform")
_WORKER = re.compile(r"^Caught (\w+) in .*process")


def end_with_reasons() -> None:
    """Let errors end this process with their reason alone, if it is one of ``python -m monai.bundle``.

    An error that is the user's to mend is one that this project raises, or one of the system, such as a full disk. Any
    other is a fault of the code: its traceback is printed, too. With ``DEBUG=1`` in the environment all are. From now
    on SIGTERM and Ctrl-C end it with one line, see `StopSignals`: a run may take minutes to look at its files.
    """
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    if main is not None and main.name == "monai.bundle.__main__" and sys.excepthook is not _print_reason:
        sys.excepthook = _print_reason
        STOP_SIGNALS.listen()
        end_with_parent()


def reason_of(error: BaseException) -> BaseException:
    """The error that MONAI wrapped, however often."""
    while error.__cause__ is not None and str(error).startswith(_WRAPPERS):
        error = error.__cause__
    return error


def is_told(error: BaseException) -> bool:
    """Whether the message says all that a user needs: the system's errors, and those that a line of ours raises."""
    if isinstance(error, OSError):
        return True
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and _raises(frames[-1].filename, frames[-1].lineno or 0)


def worker_reason(error: BaseException) -> str | None:
    """What a process of a data loader wrote, if all that a user needs: torch hands its traceback on as a text."""
    if not _WORKER.match(str(error)):
        return None
    for part in reversed(re.split(r"\n+The above exception was the direct cause.*\n+", str(error))):
        message = re.split(r"^ .*\n", part, flags=re.MULTILINE)[-1].strip().partition(": ")[2]
        if not message.startswith(_WRAPPERS):
            file, line = re.findall(r'^  File "(.+)", line (\d+), in', part, re.MULTILINE)[-1]
            return message if _raises(file, int(line)) else None
    return None


def _raises(file: str, line: int) -> bool:
    """Whether the line is one of this project that raises an error, not one that a fault of the code stopped at."""
    return _OURS in Path(file).resolve().parents and linecache.getline(file, line).strip().startswith("raise ")


def _print_reason(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not isinstance(error, Exception):
        sys.__excepthook__(kind, error, trace)
        return
    reason = reason_of(error)
    text = worker_reason(reason) or (str(reason) if is_told(reason) else "")
    if not text or os.environ.get(DEBUG, "0") not in ("", "0"):
        sys.__excepthook__(kind, error, trace)
    else:
        sys.stderr.write(f"{DEBUG}=1 in the environment shows the traceback of this:\n")
    if text or reason is not error:
        sys.stderr.write((text or f"{type(reason).__name__}: {reason}") + "\n")
