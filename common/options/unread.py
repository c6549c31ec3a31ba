"""Keys of a config that nothing reads: MONAI takes any, and a misspelt one has no effect."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from monai.bundle.properties import InferProperties, TrainProperties
from monai.bundle.reference_resolver import ReferenceResolver
from monai.utils import BundlePropertyConfig

_PROPERTIES = [*TrainProperties.values(), *InferProperties.values()]
# what MONAI itself reads: of a workflow, with `--tracking mlflow`, in MONAI Label; and the parts of its properties
READ_BY_MONAI = frozenset(
    {
        *("_meta_", "imports", "initialize", "run", "finalize"),
        *("tracking_uri", "experiment_name", "run_name", "save_execute_config", "is_not_rank0"),
        "displayable_configs",
        *(str(key) for key in (prop[BundlePropertyConfig.ID] for prop in _PROPERTIES) if "::" in str(key)),
    }
)


def unread_keys(content: Mapping[str, Any], *, read: Iterable[str] = ()) -> list[str]:
    """Ids such as ``max_step`` or ``train::max_step`` that no other part of the config refers to.

    An argument of a component is read by that, whatever it is called; a mapping without ``_target_`` hands nothing on
    unless something refers to it.

    Args:
        content: Of a config, all files and overrides merged.
        read: Ids that are read from outside, beside MONAI's own.
    """
    taken = {*READ_BY_MONAI, *read}
    references = {(key, reference) for key, value in content.items() for reference in references_of(value)}
    return list(_unread(content, "", references, taken))


def references_of(value: Any) -> set[str]:
    """Ids that a part of a config refers to."""
    return {reference for text in _texts(value) for reference in _references(text)}


def close_names(name: str, known: Iterable[str]) -> list[str]:
    """Up to three names that `name` may be meant for, the closest first."""
    return difflib.get_close_matches(name, list(known), n=3)


def _unread(content: Mapping[str, Any], path: str, references: set[tuple[str, str]], taken: set[str]) -> Iterator[str]:
    top = path.partition("::")[0]
    whole = any(reference == path for _, reference in references)  # somebody takes the mapping with all that is in it
    for key, value in content.items():
        name = f"{path}::{key}" if path else str(key)
        inside = f"{name}::"
        outer = top or str(key)
        referred = any(
            (reference == name or reference.startswith(inside)) and (path or by != outer)
            for by, reference in references
        )
        if name not in taken and not whole and not referred and not any(other.startswith(inside) for other in taken):
            yield name
        elif isinstance(value, Mapping) and "_target_" not in value and not whole and name not in taken:
            yield from _unread(value, name, references, taken)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _references(text: str) -> Iterable[str]:
    return ReferenceResolver.match_refs_pattern(text) if "@" in text else ()
