"""Keys of a config that nothing reads: MONAI takes any, and a misspelt one has no effect."""

import difflib
import functools
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
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
    readers: dict[str, set[str]] = {}  # of an id and of all that it lies in → keys on the top that refer to it
    whole: set[str] = set()
    for key, value in content.items():
        references = references_of(value)
        whole |= references
        for name in {name for reference in references for name in _path(reference)}:
            readers.setdefault(name, set()).add(str(key))
    return list(_unread(content, "", readers, whole, taken, {name for key in taken for name in _path(key)}))


def references_of(value: Any) -> set[str]:
    """Ids that a part of a config refers to."""
    if isinstance(value, str):
        return set(_references(value)) if "@" in value else set()
    if isinstance(value, Mapping):
        return set().union(*map(references_of, value.values()))
    return set().union(*map(references_of, value)) if isinstance(value, list | tuple) else set()


def close_names(name: str, known: Iterable[str]) -> list[str]:
    """Up to three names that `name` may be meant for, the closest first."""
    return difflib.get_close_matches(name, list(known), n=3)


def _unread(
    content: Mapping[str, Any],
    path: str,
    readers: Mapping[str, set[str]],
    whole: Collection[str],
    taken: Collection[str],
    on_the_way: Collection[str],
) -> Iterator[str]:
    if path in whole:  # somebody takes the mapping with all that is in it
        return
    for key, value in content.items():
        name = f"{path}::{key}" if path else str(key)
        referred = readers.get(name, set()) - (set() if path else {name})  # a key on the top does not read itself
        if not referred and name not in on_the_way:
            yield name
        elif isinstance(value, Mapping) and "_target_" not in value and name not in taken:
            yield from _unread(value, name, readers, whole, taken, on_the_way)


def _path(name: str) -> Iterator[str]:
    """``train``, ``train::sampler`` and so on, up to the id itself."""
    return itertools.accumulate(name.split("::"), "{}::{}".format)


@functools.cache  # a check asks for the same texts several times
def _references(text: str) -> Collection[str]:
    return ReferenceResolver.match_refs_pattern(text)
