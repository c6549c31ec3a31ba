"""The last line of a command line says what was wrong: with its command, its arguments, its folders, its work."""

import errno

import pytest

from common.command_line import run_command_line


def fill(output, *, count=1):
    if count == 2:
        raise ValueError("count: found 2")
    if count == 3:
        raise NotADirectoryError(errno.ENOTDIR, "Not a directory", f"{output}/a")


def end_of(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        run_command_line({"fill": fill, "look": print}, words, name="python -m x")
    last = capsys.readouterr().err.strip().splitlines()[-1:]
    return (stop.value.code if isinstance(stop.value.code, str) else (last or [""])[0]), stop.value.code


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["flil"], "error: python -m x has no command flil, expected one of fill, look: did you mean fill?"),
        (["zzz"], "error: python -m x has no command zzz, expected one of fill, look: use one of these"),
        (
            ["fill", "a", "--cuont", "2"],
            "error: fill has no argument --cuont, expected --output, --count: did you mean --count?",
        ),
        (["fill", "a", "--zzz", "2"], "error: fill has no argument --zzz, expected --output, --count: leave it out"),
        (
            ["fill"],
            "error: fill: The function received no value for the required argument: output, "
            "expected --output, --count: give it",
        ),
        (["fill", "a", "--count", "2"], "error: count: found 2"),
        (
            ["fill", "a", "--count", "3"],
            "error: a/a cannot be made, as a file is in its place, expected a folder: name another",
        ),
    ],
)
def test_the_last_line_is_the_reason(capsys, words, line):
    found, code = end_of(capsys, *words)
    assert found == line
    assert code != 0


def test_a_right_command_runs():
    run_command_line({"fill": fill}, ["fill", "--output", "x"], name="python -m x")
