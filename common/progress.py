"""Progress for people and for logs: a bar in a terminal, a line now and then anywhere else."""

import io
import sys
import time
from typing import Any, ClassVar

from tqdm import tqdm

_INTERVAL = 60.0  # seconds between two lines of a process
_WORTH = 10.0  # seconds that a bar must take before it is worth a line
_LINE = "{desc}{n_fmt}/{total_fmt}, {percentage:.0f} % [{elapsed}<{remaining}, {rate_fmt}{postfix}]"


def in_terminal() -> bool:
    """Whether standard error is a terminal, or a notebook, which draws bars as well."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


class Progress(tqdm):
    """tqdm's bar; where standard error is no terminal, such as in a job's log, a line each minute and at the end.

    A log of carriage returns is one line of megabytes. Work that takes less than ten seconds leaves no line.

    Args:
        args, kwargs: As for tqdm, whose TQDM_DISABLE=1 in the environment switches all of it off.
    """

    _last: ClassVar[float] = -_INTERVAL  # when a bar of this process has written a line

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.in_lines = not in_terminal()
        self._start = time.monotonic()
        if self.in_lines:
            kwargs |= {"mininterval": 1.0, "miniters": 1}
        super().__init__(*args, **kwargs)
        if self.in_lines and not self.disable:
            self.bar_format = _LINE if self.total else None  # tqdm has a form of its own where the end is unknown
            self.set_description(self.desc, refresh=False)  # with a colon, as Ignite sets it

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Draw the bar, or write a line when it is time."""
        now = time.monotonic()
        if not self.in_lines:
            super().display(msg, pos)
        elif now - Progress._last >= _INTERVAL and now - self._start >= _WORTH:
            self._write()

    def close(self) -> None:
        """Take the bar away, or write the last line, of a bar that stays or that took longer than a line's interval."""
        if self.in_lines and not self.disable:
            took = time.monotonic() - self._start
            if took >= (_WORTH if self.leave else _INTERVAL):
                self._write()
            self.fp = io.StringIO()  # tqdm clears the line that it is on
        super().close()

    def _write(self) -> None:
        Progress._last = time.monotonic()
        self.fp.write(f"{self}\n")
        self.fp.flush()
