"""Wrong files: data lists, NIfTI pairs, generated sets, models, paths, of every command that reads them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from .commands import COMMANDS, WITH_SET, Command
from .damage import LIST, PROVENANCE, SPOILS, Spoil, folder, listed
from .wrong_input import Wrong

_SHOWS = ("analysing", "viewing")
_OF_VOLUMES = ("an image", "a label", "label values")  # an image that is missing is told all the same
FAULTS: dict[str, dict[str, dict[str, list[str]]]] = yaml.safe_load(Path(__file__).with_name("faults.yaml").read_text())


def file_inputs() -> Iterator[Wrong]:
    """Spoilt files of all commands that read them, and wrong paths."""
    for command in COMMANDS:
        if "list" in command.reads:
            yield from _inputs("data list", command)
            if command.run_id == "training":
                yield from _inputs("folds of a list", command)
            if command.run_id not in _SHOWS:  # these show what is wrong with a volume, on their page
                yield from _inputs("NIfTI pair", command)
        if "model" in command.reads:
            yield from _inputs("model file", command)
        if "generated" in command.reads:
            yield from _inputs("generated set", command)
        yield from _paths(command)
        yield from _folds(command)
    yield from _inputs("generated set", WITH_SET)
    yield from _leaks()


def _inputs(kind: str, command: Command) -> Iterator[Wrong]:
    for name, words in FAULTS[kind].items():
        if "another grid" in name and command.run_id == "training":
            continue  # it resamples each volume
        if kind == "generated set" and command.run_id in _SHOWS and any(part in name for part in _OF_VOLUMES):
            continue
        if kind == "NIfTI pair" and "mask" in name and command.name in ("evaluation inferring", "evaluation training"):
            continue  # these read no masks, or other ones
        late = kind in ("NIfTI pair", "generated set") and command.run_id in ("training", "evaluating", "sanity")
        yield wrong(kind, command.name, name, command.arguments(), words, SPOILS[kind][name], end=command.end or late)


def wrong(
    kind: str,
    command: str,
    name: str,
    arguments: tuple[str, ...],
    words: dict[str, Any],
    spoil: Any = None,
    *,
    end: bool,
) -> Wrong:
    """An input with its words of faults.yaml."""
    points = {point: tuple(words[point]) for point in ("place", "found", "expected")}
    return Wrong(kind, command, name, arguments, **points, spoil=spoil, end=end)


def _paths(command: Command) -> Iterator[Wrong]:
    given: dict[str, tuple[str, str, Spoil | None]] = {
        "output_dir is a file": ("--output_dir", "{here}/out", lambda here: (here / "out").write_text("in the way")),
        "output_dir is empty": ("--output_dir", "", None),
        "output_dir is a number": ("--output_dir", "5", None),
    }
    if "list" in command.reads:
        given["dataset_dir is not there"] = ("--dataset_dir", "{here}/nothing", None)
        given["datalist is a folder"] = ("--datalist", "{data}/datalist.json", folder(LIST))
    for name, (option, value, spoil) in given.items():
        words = FAULTS["path"][name]
        yield wrong("path", command.name, name, command.arguments(option, value), words, spoil, end=False)


def _folds(command: Command) -> Iterator[Wrong]:
    """Test cases in a generator, and folds that there are not."""
    if "folds" not in command.options_known or "list" not in command.reads:
        return
    trains = command.run_id in ("training", "augmenting")
    for folds in ("testing", "everything", "['testing']", "99") if trains else ("tests", "99", "[]"):
        found, expected = folds.strip("[']") or "[]", ("fold", "training", "0") if trains else ("testing", "0", "all")
        words = {"place": ["fold"], "found": [found], "expected": expected}
        name, arguments = f"folds {folds}", command.arguments("--folds", folds)
        yield wrong("folds", command.name, name, arguments, words, end=command.end)


def _leaks() -> Iterator[Wrong]:
    """Generated sets of a generator that has seen cases that are held out here, or that does not say what it saw."""
    spoils: dict[str, tuple[Spoil, str]] = {
        "a test case trained it": (_trained_on_all, "phantom_"),
        "case_ids is a text": (_case_ids("phantom_CHUM_004"), "phantom_CHUM_004"),
        "case_ids is null": (_case_ids(None), "/None|null/"),
        "case_ids is missing": (listed(lambda c: {**c, "training": {}}, PROVENANCE), "/case_ids|which cases/"),
    }
    for name, (spoil, found) in spoils.items():
        words = {**FAULTS["leaks"]["all"], "found": [found]}
        yield wrong("folds", WITH_SET.name, name, WITH_SET.arguments(), words, spoil, end=True)


def _trained_on_all(here: Path) -> None:
    listed = json.loads((here / "data" / "datalist.json").read_text())
    _case_ids([entry["case_id"] for part in ("training", "testing") for entry in listed[part]])(here)


def _case_ids(value: Any) -> Spoil:
    return listed(lambda content: {**content, "training": {**content["training"], "case_ids": value}}, PROVENANCE)
