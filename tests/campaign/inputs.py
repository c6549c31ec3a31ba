"""All inputs of the campaign, and a sample of them."""

from collections import defaultdict

from .cli import cli_inputs
from .combined import combined_inputs
from .commands import COMMANDS
from .files import file_inputs
from .hostile import hostile_inputs
from .options import option_inputs
from .wrong_input import Wrong


def all_inputs() -> list[Wrong]:
    """In an order that does not change."""
    return [*option_inputs(), *combined_inputs(), *file_inputs(), *cli_inputs(), *hostile_inputs()]


def controls() -> list[Wrong]:
    """The commands with nothing wrong: they must begin, or the campaign finds faults that it made itself."""
    return [
        Wrong("nothing wrong", command.name, name, command.arguments(*options), (), (), (), (), end=command.end)
        for command in COMMANDS
        for name, options in {"as it should be": (), "on a device that is named": ("--device", "cpu")}.items()
        if not options or "device" in command.options_known
    ]


def sample(inputs: list[Wrong], count: int) -> list[Wrong]:
    """`count` inputs, of each kind in turn, of other commands where there are."""
    kinds = defaultdict(list)
    for wrong in inputs:
        kinds[wrong.kind].append(wrong)
    chosen: list[Wrong] = []
    for turn in range(count):
        for place, group in enumerate(kinds.values()):
            if turn < len(group):
                chosen.append(group[(turn * 37 + place * 11) % len(group)])
    return list(dict.fromkeys(chosen))[:count]
