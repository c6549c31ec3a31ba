"""The labels of a data list: value to name, however the list says it."""

import re
from typing import Any

# what is said for voxels of no label; nnU-Net and MSD write "background"
_BACKGROUND = re.compile(
    "background|^bg$|clear|unlabel|none|nothing|no |empty|void|outside|exterior|other|rest|air|normal|healthy", re.I
)
_LARGEST = 65535  # what a mask file of unsigned 16-bit numbers holds


def named_labels(labels: Any, *, source: str) -> dict[str, str]:
    """Value, as text, to name: of MSD's form itself, of nnU-Net v2's name to value, or of a list of names.

    Background, which every mask holds, is added where it is not named.

    Args:
        labels: Of the list.
        source: The list's path, for messages.

    Raises:
        ValueError: A label is a region of several values, to be ignored, has no whole value, or shares it or a name; or
            0 is not the background, or all there is.
    """
    form = 'expected {"0": "background", "1": "tumour"}, or nnU-Net v2\'s {"background": 0, "tumour": 1}'
    if isinstance(labels, list) and all(isinstance(name, str) for name in labels):
        labels = {str(value): name for value, name in enumerate(labels)}
    if not isinstance(labels, dict):
        raise ValueError(f"{source}: labels are {labels!r}, {form}: write a name for each value of the masks")
    by_value = all(isinstance(name, str) and _whole(value) is not None for value, name in labels.items())
    pairs = [(value, name) if by_value else (name, value) for value, name in labels.items()]
    named: dict[str, str] = {}
    for value, name in pairs:
        if isinstance(value, list | tuple):
            raise ValueError(
                f"{source}: label '{name}' is a region of the values {list(value)}, expected one value: masks are told "
                "apart by value here, so name each value by itself; --binary_mask True joins all foreground"
            )
        if str(name).lower() == "ignore":
            raise ValueError(
                f"{source}: label 'ignore' has the value {value}, expected labels that are learned: give those "
                "voxels another value in the masks, or leave such cases out, and take the label off the list"
            )
        whole = _whole(value)
        if whole is None or not 0 <= whole <= _LARGEST:
            raise ValueError(
                f"{source}: label '{name}' has the value {value!r}, {form} with values from 0 to {_LARGEST}"
            )
        if str(whole) in named:
            raise ValueError(
                f"{source}: the value {whole} is both '{named[str(whole)]}' and '{name}', expected one name"
            )
        if str(name).strip() and str(name) in named.values():
            other = next(value for value, known in named.items() if known == str(name))
            raise ValueError(
                f"{source}: the values {other} and {whole} are both {str(name)!r}, expected a name each: give one "
                "another name; --binary_mask True joins all foreground"
            )
        named[str(whole)] = str(name)
    if named.get("0", "").strip() and not _BACKGROUND.search(named["0"]):
        raise ValueError(
            f"{source}: labels have {named['0']!r} as 0, expected background there, which is what 0 means in masks: "
            'write {"0": "background", …}, and give the labels the values that the masks hold'
        )
    if not named.keys() - {"0"}:
        raise ValueError(f"{source}: labels are {labels!r}, {form}: name what the masks hold beside background")
    return named if "0" in named else {"0": "background", **named}


def _whole(value: Any) -> int | None:
    """`value` as a whole number, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return int(number) if number.is_integer() and not isinstance(value, bool) else None
