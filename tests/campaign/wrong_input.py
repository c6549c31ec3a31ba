"""One wrong input, what a good message says of it, and what came of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

# of the remedy: what to do, not what is
VERBS = (
    "set|write|give|keep|name|use|choose|pass|leave|remove|delete|drop|mend|repair|make|export|convert|resample|save|replace|put|"
    "train|prepare|repeat|run|add|move|copy|download|take|train|turn|map|list|split|rename|free|stop|wait|fill|restore|"
    "rescale|crop|match|correct|fix|see|did you mean|declare"
)
POINTS = ("place", "found", "expected", "remedy")


@dataclass(frozen=True)
class Wrong:
    """A command line with one thing wrong in it.

    Attributes:
        kind: Row of the table.
        command: Column of the table, such as ``hagan_128 training``.
        name: Of this input, unique with command and kind.
        arguments: Of ``python``; {data}, {out}, {generated}, {model} and {here} are paths in a copy of the world.
        place: Words of which the message has one: the key or the file.
        found: The same of what was found; a word in slashes is a regular expression.
        expected: The same of what is allowed.
        remedy: The same of what to do.
        spoil: Function (folder of the copy) that does the damage.
        end: True lets the command go on to its end, where what is wrong is only seen in the work.
    """

    kind: str
    command: str
    name: str
    arguments: tuple[str, ...]
    place: tuple[str, ...]
    found: tuple[str, ...]
    expected: tuple[str, ...]
    remedy: tuple[str, ...] = (rf"/\b({VERBS})\b/",)
    spoil: Callable[[Path], None] | None = None
    end: bool = False


@dataclass
class Verdict:
    """What came of it.

    Attributes:
        wrong: The input.
        status: Exit status of the command; `BEGAN` where the work began.
        message: Last lines of its output.
        missing: Points that the message lacks.
        seconds: That it took.
    """

    wrong: Wrong
    status: int | None
    message: str
    missing: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def outcome(self) -> str:
        """``told``, ``lacking`` a point, ``silent``, ``late`` where the work had begun, or ``hung``."""
        if self.status is None:
            return "hung"
        if self.status in (0, BEGAN):
            return "silent"
        if self.status == LATE:
            return "late"
        return "lacking" if self.missing else "told"


BEGAN, LATE = 97, 98


def judge(wrong: Wrong, status: int | None, output: str, seconds: float = 0.0) -> Verdict:
    """The verdict on a command that has ended with `status` and this output."""
    message = last_lines(output)
    missing = [point for point in POINTS if not any(_has(message, word) for word in getattr(wrong, point))]
    return Verdict(wrong, status, message, missing, seconds)


def last_lines(output: str, count: int = 4) -> str:
    """What a user reads at the end: the reason after the note on the traceback, or the last lines."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    notes = [number for number, line in enumerate(lines) if line.startswith("DEBUG=1 in the environment")]
    return "\n".join(lines[notes[-1] + 1 :] if notes else lines[-count:])


def _has(message: str, word: str) -> bool:
    if len(word) > 2 and word[0] == word[-1] == "/":
        return re.search(word[1:-1], message, re.IGNORECASE) is not None
    return word.lower() in message.lower()
