"""What was begun is gone on with only by the settings that it was begun with."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any


def require_same_settings(
    found: Mapping[str, Any],
    expected: Mapping[str, Any],
    *,
    source: object,
    remedy: str,
    may_differ: Collection[str] = (),
) -> None:
    """Refuse to go on with what `source` holds where its settings are not the ones that are asked for now.

    A setting that one side lacks counts as None there.

    Args:
        found: Settings of what was begun before; plain values.
        expected: Settings of now.
        source: File, folder or study that holds `found`, as the message names it.
        remedy: What the user can do, a sentence.
        may_differ: Names at the top that are not compared.

    Raises:
        ValueError: Settings differ; each is named with both values, nested ones with dots, such as ``steps.0.options``.
    """
    old, new = ({name: side[name] for name in side if name not in may_differ} for side in (found, expected))
    if rows := [f"  {name}: found {before!r}, expected {now!r}" for name, before, now in _differences(old, new)]:
        raise ValueError("\n".join([f"{source} was made with other settings:", *rows, remedy]))


def _differences(found: Any, expected: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Dotted name and both values of every setting in which the two differ, by name; lists of mappings are entered."""
    if _are_mappings(found) and _are_mappings(expected) and len(found) == len(expected):
        found, expected = (dict(enumerate(side)) for side in (found, expected))
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        for key in sorted({*found, *expected}, key=str):
            yield from _differences(found.get(key), expected.get(key), f"{name}.{key}" if name else str(key))
    elif found != expected:
        yield name, found, expected


def _are_mappings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) for item in value)
