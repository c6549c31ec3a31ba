"""The page of the docs that says what a wrong input does: ``python -m tests.campaign.page --last FILE …``.

The files are what ``python -m tests.campaign --output FILE`` leaves.
"""

import argparse
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .world import ROOT

PAGE = ROOT / "bundles" / "evaluation" / "docs" / "wrong_inputs.md"
FIRST = Path(__file__).with_name("first_run.json")
OUTCOMES = {
    "told": "refused, with place, found, expected and remedy",
    "lacking": "refused, and the message lacks one of them",
    "silent": "taken without a word",
    "late": "refused after the work had begun",
    "hung": "neither refused nor done in four minutes",
}
Rows = Iterable[Mapping[str, Any]]


def page_of(
    rows: Rows, *, first: Mapping[str, Any], interruptions: Rows, commit: str, before: Rows = (), note: str = ""
) -> str:
    """Text of the page.

    Args:
        rows: Verdicts of the last run.
        first: Of the first run of the campaign: ``commit``, a ``note`` on its inputs, ``outcomes`` with their counts.
        interruptions: Trainings that were killed or asked to stop.
        commit: Of the last run.
        before: Verdicts of what MONAI refuses before a bundle is read.
        note: A paragraph below the figures of the last run.
    """
    rows, before = list(rows), list(before)
    parts = [_HEAD, _by_command(rows), _by_kind(rows), _first_and_last(rows, first, commit), note]
    parts += [_monai(before) if before else "", _stops(interruptions)]
    return "\n\n".join(part for part in parts if part) + "\n"


_HEAD = """# What a wrong input does
A reference page of the [evaluation](README.md), for all bundles and command lines. Every run looks at its options,
files and folders before it works. Where something is wrong it ends with a status other than 0. Its last lines name
the option or the file, what was found, what was expected, and what to do. `DEBUG=1` in the environment shows the
traceback too.

The tables are made by `python -m tests.campaign` in a checkout. It gives each command many wrong inputs, runs it as
a user does, and reads the last lines of what it writes. Each input says beforehand which words the message must
have for each of the four. A command passes if it ends before its work begins."""
_BEFORE = """## What ends before a bundle is read
MONAI reads the files of a config, its metadata and its logging, before it imports anything that they name. What it
cannot read ends there, with status 1, a traceback, and MONAI's own words as the last line: no line of these bundles
has run by then, and MONAI takes nothing but classes of `logging` from a bundle before. Overlays of these bundles
are written so that they can be read over any config, and the check names the one that does not belong there; a file
of your own that changes a part which is not there (`nowhere::there: 3`) ends in MONAI's `KeyError`. `run
searching`, `run experiment`, `run dataset` and Auto3DSeg look at their files themselves, and say it in the words of
this page. A run id that is not there (`run inferrin`) is named by the check of a training, and else by MONAI alone,
`ValueError: run ID 'inferrin' doesn't exist in the config file`: the other checks are in the list of the run id,
for MONAI makes a bundle's folder importable only then. For the same reason the training of an exported bundle begins
in that bundle's folder: from another one it ends in MONAI's `ModuleNotFoundError`; `cd` there first.

| wrong | MONAI's last line |
|---|---|"""
_STOPPED = """## Trainings that are stopped
Tiny trainings are stopped at random moments, up to three times each, and started again. Weights and losses at the
end are compared, bit by bit, with those of a training that ran through. SIGTERM and SIGINT must end it with 143 and
130. These two are sent once a training holds the lock of its folder; while Python still imports MONAI and reads
the files of the config, a signal is Python's own, ends it with another status, and has nothing to lose.
"""


def _by_command(rows: list[Mapping[str, Any]]) -> str:
    kinds, cells = list(dict.fromkeys(row["kind"] for row in rows)), defaultdict(Counter)
    for row in rows:
        cells[row["command"], row["kind"]][row["outcome"] in ("told", "lacking")] += 1
    lines = ["## Commands and kinds", f"Inputs that were refused, of the {len(rows)} that were tried.", ""]
    lines += ["| command | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    for command in dict.fromkeys(row["command"] for row in rows):
        counts = [cells[command, kind] for kind in kinds]
        lines.append(f"| {command} | " + " | ".join(f"{c[True]} of {c.total()}" if c else "" for c in counts) + " |")
    return "\n".join(lines)


def _by_kind(rows: list[Mapping[str, Any]]) -> str:
    lines = ["## Kinds", "| kind | inputs | with all four points | for example | says |", "|---|---|---|---|---|"]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        of_kind = [row for row in rows if row["kind"] == kind]
        told = [row for row in of_kind if row["outcome"] == "told"]
        example = min(told, key=lambda row: len(row["message"]), default=None)
        text = " / ".join(example["message"].splitlines()[-3:]) if example else ""
        name = f"{example['command']}: {example['name']}" if example else ""
        lines.append(f"| {kind} | {len(of_kind)} | {len(told)} | {name} | {_shown(text)} |")
    return "\n".join(lines)


def _first_and_last(rows: list[Mapping[str, Any]], first: Mapping[str, Any], commit: str) -> str:
    last = Counter(row["outcome"] for row in rows)
    of_first = Counter(first["outcomes"])
    lines = ["## First and last run", first["note"], ""]
    lines += [f"| outcome | first run, {first['commit']} | last run, {commit} |", "|---|---|---|"]
    lines.append(f"| inputs | {of_first.total()} | {last.total()} |")
    for name, words in OUTCOMES.items():
        shares = (f"{counts[name]} ({counts[name] / counts.total():.1%})" for counts in (of_first, last))
        lines.append(f"| {words} | {' | '.join(shares)} |")
    return "\n".join(lines)


def _monai(rows: list[Mapping[str, Any]]) -> str:
    lines = [f"| {row['name']} | {_shown(row['message'].splitlines()[-1])} |" for row in rows]
    return "\n".join([_BEFORE, *lines])


def _shown(text: str) -> str:
    return re.sub(r"/tmp/\w+(/\d{4})?", "…", text).replace("|", "\\|").replace(str(ROOT), "…")[:300]


def _stops(interruptions: Rows) -> str:
    lines = [_STOPPED, "| signal | sent | trainings | as if nothing had happened |", "|---|---|---|---|"]
    by_signal = defaultdict(list)
    for row in interruptions:
        by_signal[row["number"]].append(row)
    for number, done in by_signal.items():
        fine = sum(not row["problems"] for row in done)
        lines.append(f"| {number} | {sum(row['count'] for row in done)} | {len(done)} | {fine} |")
    return "\n".join(lines)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign.page", description=__doc__)
    parser.add_argument("--last", type=Path, nargs="+", required=True, help="verdicts")
    parser.add_argument(
        "--interruptions", type=Path, nargs="*", default=[], help="of the run with --kills and --signals"
    )
    parser.add_argument("--commit", required=True, help="that they were made at")
    parser.add_argument("--before", type=Path, help="of the run with --before")
    parser.add_argument("--note", default="", help="a paragraph on the last run")
    given = parser.parse_args()
    rows, stops = (
        [row for path in paths for row in json.loads(path.read_text())] for paths in (given.last, given.interruptions)
    )
    before = json.loads(given.before.read_text()) if given.before else []
    first = json.loads(FIRST.read_text())
    more = {"commit": given.commit, "before": before, "note": given.note}
    PAGE.write_text(page_of(rows, first=first, interruptions=stops, **more))


if __name__ == "__main__":
    main()
