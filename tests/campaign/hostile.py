"""Inputs that look right: names of others, folds that meet, sizes beyond any memory, settings of other runs."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from .commands import COMMANDS, Command
from .damage import PROVENANCE, SET, Spoil, listed, written
from .files import wrong
from .wrong_input import Wrong

_WORDS = yaml.safe_load(Path(__file__).with_name("hostile.yaml").read_text())
_OF = {command.name: command for command in COMMANDS}
_CROPPED = (
    *("hagan_128 training", "hagan_128 augmenting", "hagan_256 training", "baseline_gans training"),
    *("latent_flow training", "evaluation evaluating", "evaluation sanity", "evaluation reader_study"),
    "segresnet_auto3dseg training",
)


def hostile_inputs() -> Iterator[Wrong]:
    """Options of ``hostile.yaml``, boxes of a centre that there is not, and files that can be read."""
    for kind in ("options that look right", "settings of other runs"):
        for name, cases in _WORDS[kind].items():
            for options, words in cases.items():
                yield _input(kind, _OF[name], options, words, arguments=_OF[name].arguments(*_typed(options)))
    kind, box = "options that look right", "{'CHUMM':[[0.1,0.9],[0.1,0.9],[0,0.9]]}"
    for name in _CROPPED:
        arguments, words = _OF[name].arguments("--centre_bounds", box), (["centre_bounds"], ["CHUMM"], ["'CHUM'"])
        yield _input(kind, _OF[name], "a box for CHUMM", words, arguments=arguments, end=True)
    for name, spoils in _FILES.items():
        for what, spoil in spoils.items():
            if name == "evaluation analysing" and what == "images and masks swapped":
                continue  # it shows what is wrong with a set, on its page
            words = _WORDS["files that look right"][what]
            end = name.split()[1] in ("evaluating", "reader_study", "analysing")
            yield _input("files that look right", _OF[name], what, words, spoil=spoil, end=end)


def _input(
    kind: str,
    command: Command,
    name: str,
    words: Any,
    *,
    arguments: tuple[str, ...] = (),
    spoil: Spoil | None = None,
    end: bool = False,
) -> Wrong:
    points = dict(zip(("place", "found", "expected"), words, strict=True))
    arguments = arguments or command.arguments()
    return wrong(kind, command.name, name, arguments, points, spoil, end=command.end or end)


def _typed(options: str) -> list[str]:
    """Words as a shell makes them: a value goes on to the next ` --`."""
    return [word for option in f" {options}".split(" --")[1:] for word in f"--{option}".split(" ", 1)]


def _centre(change: Callable[[str], str]) -> Spoil:
    """The centre of one training case of several is said otherwise."""

    def spoil(content: dict[str, Any]) -> None:
        names = [entry["centre"] for entry in content["training"]]
        place = next(place for place, name in enumerate(names) if names.count(name) > 1)
        content["training"][place]["centre"] = change(names[place])

    return listed(spoil)


def _labels(value: Any, where: str = "data/datalist.json") -> Spoil:
    return listed(lambda content: content | {"labels": value}, where)


def _swapped(content: dict[str, Any]) -> None:
    for entry in [*content["training"], *content["testing"]]:
        entry["image"], entry["label"] = entry["label"], entry["image"]


def _copied(here: Path) -> None:
    first, second, *_ = sorted((here / "generated" / "images").iterdir())
    shutil.copy(first, second)


def _left(content: bytes) -> Spoil:
    """A checkpoint that an earlier run left in the output folder."""

    def spoil(here: Path) -> None:
        (here / "out" / "checkpoint").mkdir(parents=True)
        written("out/checkpoint/checkpoint_00000001.pt", content)(here)

    return spoil


def _recorded(**values: Any) -> Spoil:
    return listed(lambda content: content | values, PROVENANCE)


_LISTS: dict[str, Spoil] = {
    "a centre in other letters": _centre(str.lower),
    "a centre with a hyphen": _centre(lambda name: name[:2] + "-" + name[2:]),
    "labels without background": _labels(["tumour", "lymph node"]),
    "label 0 is the tumour": _labels({"0": "tumour", "1": "lymph node", "2": "cyst"}),
    "background is 2": _labels({"0": "tumour", "1": "lymph node", "2": "background"}),
    "labels of one name": _labels({"0": "background", "1": "tumour", "2": "tumour"}),
    "labels a text": _labels("tumour"),
    "labels with background alone": _labels({"0": "background"}),
    "images and masks swapped": listed(_swapped),
    "no cases": listed(lambda content: content | {"training": [], "testing": []}),
}
_RUNS: dict[str, Spoil] = {"a checkpoint that is a text": _left(b"hello"), "a checkpoint that is empty": _left(b"")}
_SETS: dict[str, Spoil] = {
    "one image under two names": _copied,
    "a set list that is a list": written(SET, b"[]"),
    "provenance of an empty mapping": written(PROVENANCE, b"{}"),
    "provenance a list": written(PROVENANCE, b"[]"),
    "a window of a text": _recorded(hu_window="wide"),
    "a window turned round": _recorded(hu_window=[600, -1024]),
    "cases a text": _recorded(cases="all"),
    "training a list": _recorded(training=[]),
    "set labels without background": _labels(["tumour", "lymph node"], SET),
}
_FILES = {
    **dict.fromkeys(("hagan_128 training", "evaluation analysing", "segresnet_auto3dseg evaluating"), _LISTS),
    **dict.fromkeys(("baseline_gans training", "latent_flow training", "segresnet_auto3dseg training"), _RUNS),
    **dict.fromkeys(("evaluation evaluating", "evaluation reader_study"), _SETS),
}
