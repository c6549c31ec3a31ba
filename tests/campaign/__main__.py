"""``python -m tests.campaign``: try all wrong inputs, and say what came of them."""

import argparse
import json
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from .cli import cli_inputs
from .combined import before_inputs
from .files import file_inputs
from .inputs import all_inputs, controls, sample
from .kills import interruptions
from .options import option_inputs
from .process import import_all, run_all
from .world import make_world
from .wrong_input import Verdict, Wrong


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 1 where an input passed in silence, or too few messages have all points."""
    given = _arguments(arguments)
    inputs = _chosen(given)
    if given.list:
        for kind, count in Counter(wrong.kind for wrong in inputs).items():
            print(f"{count:5} {kind}")
        print(f"{len(inputs):5} inputs")
        return 0
    import_all()
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder) / "world"
        make_world(world)
        if given.kills or given.signals:
            return _interrupt(world, given)
        return _try(inputs, world, given)


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--only", default="", help="inputs whose `kind | command | name` has this text")
    parser.add_argument("--skip", default="", help="no input whose name has this text")
    parser.add_argument("--options", action="store_true", help="options alone, no files")
    parser.add_argument("--files", action="store_true", help="files and folders alone, no options of configs")
    parser.add_argument("--before", action="store_true", help="what MONAI refuses before a bundle is read, alone")
    parser.add_argument("--every", type=int, default=1, help="every third input, and so on")
    parser.add_argument("--first", type=int, default=0, help="number of the first of those, from 0")
    parser.add_argument("--sample", type=int, default=0, help="that many, spread over the kinds")
    parser.add_argument("--processes", type=int, default=2, help="commands at once")
    parser.add_argument("--output", type=Path, help="JSON file of what came of it")
    parser.add_argument("--controls", action="store_true", help="the commands with nothing wrong, which must begin")
    parser.add_argument("--kills", type=int, default=0, help="SIGKILLs of trainings, in place of wrong inputs")
    parser.add_argument("--signals", type=int, default=0, help="SIGTERMs and SIGINTs, half each, the same")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of those")
    parser.add_argument("--list", action="store_true", help="count the inputs, and run none")
    return parser.parse_args(arguments)


def _chosen(given: argparse.Namespace) -> list[Wrong]:
    every = controls() if given.controls else list(option_inputs()) if given.options else all_inputs()
    every = [*file_inputs(), *cli_inputs()] if given.files else every
    every = list(before_inputs()) if given.before else every
    inputs = [wrong for wrong in every if given.only in f"{wrong.kind} | {wrong.command} | {wrong.name}"]
    inputs = [wrong for wrong in inputs if not given.skip or given.skip not in wrong.name]
    inputs = inputs[given.first :: given.every]
    return sample(inputs, given.sample) if given.sample else inputs


def _try(inputs: list[Wrong], world: Path, given: argparse.Namespace) -> int:
    verdicts = []
    for verdict in run_all(inputs, world, processes=given.processes):
        verdicts.append(verdict)
        wrong = verdict.wrong
        lacks = f" lacks {', '.join(verdict.missing)}" if verdict.outcome == "lacking" else ""
        print(f"{verdict.outcome:8}{lacks} {wrong.kind} | {wrong.command} | {wrong.name}", flush=True)
        if verdict.outcome != "told":
            print("    " + verdict.message[-1500:].replace("\n", "\n    "), flush=True)
        if len(verdicts) % 20 == 0 or len(verdicts) == len(inputs):
            _write([_row(verdict) for verdict in verdicts], given.output)
    counts = Counter(verdict.outcome for verdict in verdicts)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.most_common()))
    if given.controls:
        return int(counts["silent"] < len(verdicts))
    bad = counts["silent"] + counts["late"] + counts["hung"]
    return int(bad > 0 or counts["told"] < 0.95 * len(verdicts))


def _interrupt(world: Path, given: argparse.Namespace) -> int:
    half = given.signals // 2
    counts = {signal.SIGKILL: given.kills, signal.SIGTERM: half, signal.SIGINT: given.signals - half}
    done = []
    for training in interruptions(world, world.parent / "interrupted", counts, seed=given.seed):
        done.append(training)
        print(training.bundle, training.number.name, training.count, "; ".join(training.problems) or "fine", flush=True)
        _write([{**vars(training), "number": training.number.name} for training in done], given.output)
    lost = sum(bool(training.problems) for training in done)
    print(f"{sum(training.count for training in done)} stops of {len(done)} trainings, {lost} with problems")
    return int(lost > 0)


def _write(rows: list[dict[str, Any]], path: Path | None) -> None:
    if path:
        path.write_text(json.dumps(rows, indent=1))


def _row(verdict: Verdict) -> dict[str, Any]:
    wrong = verdict.wrong
    return {
        **{"kind": wrong.kind, "command": wrong.command, "name": wrong.name, "outcome": verdict.outcome},
        **{"status": verdict.status, "missing": verdict.missing, "seconds": round(verdict.seconds, 1)},
        "message": verdict.message,
    }


if __name__ == "__main__":
    sys.exit(main())
