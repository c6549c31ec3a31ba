"""How the command lines of the rooms start, and how they end: with the reason as their last line."""

import errno
import inspect
import logging
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import fire


def run_command_line(
    commands: Mapping[str, Callable[..., Any]],
    command: Sequence[str] | None,
    *,
    name: str,
    errors: tuple[type[Exception], ...] = (ValueError, OSError, RuntimeError),
) -> None:
    """Run one of the commands.

    Args:
        commands: By name; their arguments are those of the command line.
        command: Words of the command line; None takes those of this process.
        name: As which it was started, such as ``python -m common.data``.
        errors: That are the user's: the process ends with status 1 and their message alone.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    words = list(sys.argv[1:] if command is None else command)
    if words and not words[0].startswith("-") and words[0] not in commands:
        close = get_close_matches(words[0], commands, 1)
        hint = f"did you mean {close[0]}?" if close else "use one of these"
        sys.exit(f"error: {name} has no command {words[0]}, expected one of {', '.join(commands)}: {hint}")
    try:
        fire.Fire(dict(commands), command=words, name=name)
    except fire.core.FireExit as stop:
        if stop.code:  # fire has shown how the command is used; the last line says what was wrong with it
            text = stop.trace.elements[-1].ErrorAsStr() or "the arguments are not those of the command"
            sys.stderr.write(f"error: {_of_arguments(text, commands[words[0]], words[0])}\n")
        raise
    except errors as error:
        sys.exit(f"error: {_of_system(error)}")


def _of_arguments(text: str, command: Callable[..., Any], name: str) -> str:
    known = list(inspect.signature(command).parameters)
    listed = f"expected {', '.join(f'--{option}' for option in known)}"
    if unknown := re.search(r"Could not consume arg: (\S+)", text):
        close = get_close_matches(unknown[1].strip("-"), known, 1)
        hint = f"did you mean --{close[0]}?" if close else "leave it out"
        return f"{name} has no argument {unknown[1]}, {listed}: {hint}"
    return f"{name}: {text.strip().splitlines()[0]}, {listed}: give it"


def _of_system(error: Exception) -> str:
    """A message with a remedy where the system says only that there is something else."""
    if isinstance(error, OSError) and error.errno in (errno.EEXIST, errno.ENOTDIR) and error.filename:
        return f"{error.filename} cannot be made, as a file is in its place, expected a folder: name another"
    return str(error)
