"""What is wrong with the files of a run: their order, and overlays that the config or another overlay undoes."""

import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from monai.bundle import ConfigParser
from monai.bundle.utils import merge_kv

from ..files import YAML_LOADER
from .declaration import Declaration, read_yaml
from .schema import listed
from .unread import references_of


def file_problems(declared: Declaration, files: Sequence[str | Path]) -> list[str]:
    """A line for each way in which the files do not go together; a run would lose without a word what one asks for.

    Args:
        declared: Options of the config whose check is called.
        files: Of the config and its overlays, in their order.
    """
    paths = [Path(file) for file in files]
    if len(paths) < 2:
        return []
    return [*_order(declared, paths), *_twice(paths)] or [
        *missing_parts(paths),
        *_foreign(paths),
        *_alternatives(declared, paths),
        *_contradictions(declared, paths),
    ]


def missing_parts(files: Sequence[str | Path]) -> list[str]:
    """A line for each overlay that changes a part which the files before it do not have.

    MONAI ends in a `KeyError` on most of them, before any line of this project is read.
    """
    first, *overlays = [Path(file) for file in files]
    parser, lines = ConfigParser(read_yaml(first)), []
    for overlay in overlays:
        content = read_yaml(overlay)
        changed = {key: _part(key) for key in content if _part(key)}
        if missing := [part for part in changed.values() if part not in parser]:
            what = f"found {overlay.name}, which changes {missing[0]}, but {first.name} has no {missing[0]}"
            lines.append(f"config_file: {what}, expected overlays of {first.name}; leave {overlay} out")
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for key, value in content.items():
                merge_kv(parser, key, value)
    return lines


def overwritten(key: str, files: Sequence[str | Path]) -> str | None:
    """A line where nothing reads the key of one overlay because a later one replaces what would.

    Args:
        key: On the top of the merged config, that nothing reads.
        files: Of the config and its overlays, in their order.
    """
    overlays = [(Path(file), read_yaml(Path(file))) for file in files[1:]]
    for (first, before), (last, after) in itertools.combinations(overlays, 2):
        readers = [name for name, value in before.items() if key in references_of(value) and name in after]
        if key in before and key not in after and readers:
            what = f"found {first.name} and {last.name}, which both set {readers[0]}, so that nothing reads {key}"
            return f"config_file: {what}, expected one of them; leave the other out"
    return None


def named_parts(files: Sequence[str | Path]) -> list[str]:
    """Ids of parts, such as ``train::sampler``, that stand in overlays, the files after the first."""
    overlays = [read_yaml(Path(file)) for file in files[1:] if Path(file).suffix in (".yaml", ".yml")]
    return [key for overlay in overlays for key in _parts(overlay) if "::" in key]


def _part(key: str) -> str:
    """What must be there already for a key of an overlay."""
    key = key.replace("#", "::")
    return key[1:] if key.startswith("+") else key.rpartition("::")[0]


def _parts(overlay: Mapping[str, Any]) -> dict[str, Any]:
    """Id → value of all that an overlay sets; of a part that it merges (``+train``), what it sets in there."""
    found = {}
    for key, value in overlay.items():
        key = key.replace("#", "::")
        if key.startswith("+") and isinstance(value, Mapping):
            found.update({f"{key[1:]}::{name}": item for name, item in value.items()})
        else:
            found[key.removeprefix("+")] = value
    return found


def _order(declared: Declaration, files: list[Path]) -> Iterator[str]:
    """The config itself comes first, and once."""
    names = [file.stem for file in files]
    workflows = [file.name for file in files if file.stem in declared.configs and _is_workflow(file)]
    if len(workflows) > 1:
        found = f"found {listed(workflows, last='and')}, each a workflow of its own"
        yield f"config_file: {found}, expected one of them and overlays; leave the others out"
    elif declared.config in names[1:] and files[0].stem != declared.config:
        before = listed([file.name for file in files[: names.index(declared.config)]], last="and")
        found = f"found {before} before {declared.config}.yaml, which takes back what they set"
        yield f"config_file: {found}, expected {declared.config}.yaml first; put overlays behind it"


def _twice(files: list[Path]) -> Iterator[str]:
    """Keys on the top that a file says twice: YAML takes the last."""
    for file in files[1:]:
        node = yaml.compose(file.read_text(), Loader=YAML_LOADER)
        names = [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            found = f"found {name} twice in {file.name}, expected each key once"
            yield f"config_file: {found}; remove the one that is not meant"


def _foreign(files: list[Path]) -> Iterator[str]:
    """Overlays of another bundle that change parts: they know those of its own config alone."""
    own = files[0].resolve().parent
    for file in files[1:]:
        folder = file.resolve().parent
        elsewhere = folder != own and (folder / "metadata.json").is_file() and file.stem != files[0].stem
        if elsewhere and any("::" in key for key in _parts(read_yaml(file))):
            found = f"found {file.name} of the bundle {folder.parent.name}, which changes parts of that one's config"
            yield f"config_file: {found}, expected overlays of {own.parent.name}; leave {file} out, or name its own"


def _alternatives(declared: Declaration, files: list[Path]) -> Iterator[str]:
    for group in declared.alternatives:
        if len(found := [file.name for file in files[1:] if file.stem in group]) > 1:
            yield f"config_file: found {listed(found, last='and')}, expected one of them; leave the others out"


def _contradictions(declared: Declaration, files: list[Path]) -> Iterator[str]:
    """Pairs of the config's own overlays that put another component in the same place."""
    overlays = {file.name: _parts(read_yaml(file)) for file in files[1:] if file.stem in declared.overlays}
    for (first, before), (last, after) in itertools.combinations(overlays.items(), 2):
        for key in sorted(before.keys() & after.keys()):
            parts = [part.get("_target_") for part in (before[key], after[key]) if isinstance(part, Mapping)]
            if "::" in key and len(set(parts)) == 2:
                found = f"found {first} and {last}, which both set {key}"
                yield f"config_file: {found}, expected one of them; leave the other out"


def _is_workflow(file: Path) -> bool:
    return {"imports", "run"} <= read_yaml(file).keys()
