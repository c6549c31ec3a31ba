"""What is wrong with the options of a run, each in a line: what was found, what is expected, how to mend it."""

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from .declaration import Declaration, Option, read_yaml
from .overlays import overwritten
from .schema import listed
from .unread import close_names, unread_keys

_PLAIN = (bool, int, float, str, Path, list, tuple, Mapping, type(None))
_NOT_KNOWN = object()  # of a value that only the run computes


def find_problems(
    declared: Declaration,
    content: Mapping[str, Any],
    *,
    base: Mapping[str, Any],
    typed: Mapping[str, Any],
    named: Collection[str] = (),
    read: Collection[str] = (),
    siblings: Callable[[], Collection[str]] = frozenset,
    files: Sequence[str | Path] = (),
) -> list[str]:
    """A line for each key that nothing reads, and for each option with a value that it may not have.

    Values that the config computes while it runs are not looked at: components, and expressions that are more than a
    literal.

    Args:
        declared: Options of the config.
        content: Of the config, all files and overrides merged.
        base: Of the config's own file, whose keys are right even where an override takes their readers away.
        typed: What was given on the command line, by id. A file may also set options of the bundle's other configs,
            such as a smoke overlay for all of them.
        named: Ids of parts, such as ``train::sampler``, that files name. What else a part holds is not asked for: an
            overlay may give a whole part to several configs that read different things in it.
        read: Further ids that are read from outside, such as that of the run.
        siblings: Tells the keys on the top of the bundle's other configs, see `sibling_keys`: a file may be laid over
            several. They are asked for only where something is not known otherwise, as to read them takes a while.
        files: Of the config and its overlays, in their order.
    """
    typed = {key.replace("#", "::"): value for key, value in typed.items()}
    unread = [key for key in unread_keys(content, read={*declared.options, *read}) if not _has(base, key)]
    lines = [
        overwritten(key, files) or _unknown(key, declared, content)
        for key in unread
        if key in typed or (key in named if "::" in key else key not in declared.others and key not in siblings())
    ]
    options = {key: option for overlay in declared.overlays.values() for key, option in overlay.items()}
    wrong: set[str] = set()
    for key, option in sorted({**options, **declared.options}.items(), key=lambda item: _refers(content.get(item[0]))):
        if typed.get(key, ...) is None:  # MONAI drops an override that is None
            remedy = f"write --{key} '$None'" if option.nullable else "leave it out for the default"
            lines.append(f"{key}: found None, which MONAI takes for nothing given; {remedy}")
        elif key in content and key not in unread and not (_refers(content[key]) and content[key][1:] in wrong):
            found = list(_wrong(option, content))
            wrong.update(key for _ in found)
            lines += found
            lines += [] if found else _without_effect(option, content, base)
    lines += _replaced_parts(declared, base=base, typed=typed)
    return [*lines, *_no_reader(declared, content, base=base, typed=typed, read=read)]


def sibling_keys(base: Path | None, declared: Declaration) -> set[str]:
    """Keys on the top of the other declared configs in the folder of `base`, components among them."""
    names = {name for names in declared.others.values() for name in names}
    files = [base.with_name(f"{name}.yaml") for name in names] if base else []
    return {str(key) for file in files if file.is_file() for key in read_yaml(file)}


def _without_effect(option: Option, content: Mapping[str, Any], base: Mapping[str, Any]) -> Iterator[str]:
    """A line for each option that this one needs beside it, where it was changed and that one is not so."""
    given = _literal(content[option.name], content)
    if given in (_NOT_KNOWN, None) or (option.name in base and given == _literal(base[option.name], base)):
        return
    for keys, values in option.read_with.items():
        names = keys.split(" or ")
        found = [_literal(content.get(key), content) for key in names]
        if all(one is not _NOT_KNOWN and (one is None if values is None else one not in values) for one in found):
            wanted = "" if values is None else f" {listed(['null' if one is None else str(one) for one in values])}"
            state = "there is none" if values is None else f"it is {found[0]}"
            start = f"{option.name}: found {_shown(given)}, expected only with {keys}{wanted}, and {state}"
            remedy = " or ".join(f"--{key}" for key in names)
            yield f"{start}; set {remedy}, or leave {option.name} out"


def _replaced_parts(declared: Declaration, *, base: Mapping[str, Any], typed: Mapping[str, Any]) -> Iterator[str]:
    """A line for each part of the config, no option, that a number or a word on the command line takes the place of."""
    for key, value in typed.items():
        plain = isinstance(value, bool | int | float) or (isinstance(value, str) and value[:1] not in "$@%")
        if plain and key not in declared.options and isinstance(base.get(key), Mapping | list):
            kind = "a mapping" if isinstance(base[key], Mapping) else "a list"
            start = f"{key}: found {_shown(value)}, expected {kind}, as {declared.config}.yaml has there"
            yield f"{start}; leave it out, or set parts of it, such as --{key}::0 or --{key}::name"


def _no_reader(
    declared: Declaration,
    content: Mapping[str, Any],
    *,
    base: Mapping[str, Any],
    typed: Mapping[str, Any],
    read: Collection[str],
) -> Iterator[str]:
    """A line for each option of the command line that the config reads, but not under these overlays."""
    # what is None asks for nothing, and programs name the bundle's folder to every config
    asked = [key for key in typed if key != "bundle_root" and _literal(typed[key], content) is not None]
    options = [key for key in asked if key in declared.options and key in base]
    if options and (lost := set(unread_keys(content, read=read)).intersection(options)):
        for key in lost.difference(unread_keys(base, read=read)):
            start = f"{key}: found {_shown(typed[key])}, but with these overlays nothing reads it"
            yield f"{start}, expected options of what they put in its place; leave it out"


def _refers(value: Any) -> bool:
    """Whether a value is that of another key."""
    return isinstance(value, str) and value.startswith("@")


def _unknown(key: str, declared: Declaration, content: Mapping[str, Any]) -> str:
    path, _, name = key.rpartition("::")
    siblings = _value_of(path, content) if path else {**content, **declared.options}
    close = [f"{path}::{found}" if path else found for found in close_names(name, siblings.keys() - {name})]
    start = f"{key}: found {_shown(_value_of(key, content))}, but {declared.config}.yaml has no key {key}"
    if overlays := [f"{overlay}.yaml" for overlay, options in declared.overlays.items() if key in options]:
        return f"{start}, an option of {listed(overlays)}: name that in --config_file, too"
    if path and name in declared.options:
        return f"{start}, did you mean {name}?"
    if close:
        return f"{start}, did you mean {listed(close)}?"
    if others := [f"{other}.yaml" for other in declared.others.get(key, ())]:
        return f"{start}, it is an option of {listed(others)}"
    return f"{start}, and nothing reads it: leave it out, or see the options in docs/reference.md of the bundle"


def _wrong(option: Option, content: Mapping[str, Any]) -> Iterator[str]:
    value = _literal(content[option.name], content)
    if value is not _NOT_KNOWN and not option.accepts(value):
        expected = "True or False" if option.schema.get("type") == "boolean" else option.expected.replace("`", "")
        yield f"{option.name}: found {_shown(value)}, expected {expected}; {_remedy(option, value)}"
    elif option.schema.get("format") == "device" and (found := _no_device(value)):
        yield f"{option.name}: found {value}, {found}; set another --{option.name}, or leave it out for the default"
    else:
        many = isinstance(value, list | tuple)
        schemas = [option.schema, *option.schema.get("anyOf", ())]
        kinds = {(schema.get("items", {}) if many else schema).get("format") for schema in schemas}
        kind = next(iter(kinds & {"folder", "file"}), None)
        for path in value if many else [value]:
            if not isinstance(path, str | Path) or kind is None:
                continue
            there = Path(path).expanduser()
            if there.is_file() if kind == "folder" else there.is_dir():  # what is not there is its reader's matter
                found = "a file" if kind == "folder" else "a folder"
                yield f"{option.name}: found {found}, {path}, expected a {kind}; name another --{option.name}"


def _no_device(value: Any) -> str | None:
    """What is wrong with the name of a device, in words; None of one that is there."""
    if value is _NOT_KNOWN:
        return None
    try:
        kind = torch.device(value).type
    except (RuntimeError, TypeError):
        return "expected cuda, cuda:1 or cpu"
    return "expected cpu, as torch finds no GPU here" if kind == "cuda" and not torch.cuda.is_available() else None


def _remedy(option: Option, value: Any) -> str:
    name, kind = option.name, option.schema.get("type")
    if kind == "boolean":
        meant = "False" if str(value).lower() in ("false", "no", "off", "0", "none") else "True"
        return f"on the command line write --{name} {meant}, with the capital, in a config {name}: {meant.lower()}"
    if isinstance(value, str) and value.lower() in ("null", "none") and option.nullable:
        return f"on the command line write --{name} '$None', in a config {name}: null"
    if isinstance(value, str) and (number := _number(value)) is not None:
        return f"it is a text, as YAML wants a point before an exponent and no quotes; write {number!r}"
    if kind == "array" and not isinstance(value, list | tuple):
        return f'on the command line write a list in quotes, such as --{name} "[…]", in a config {name}: […]'
    choices = [
        str(choice) for part in (option.schema, *option.schema.get("anyOf", ())) for choice in part.get("enum", ())
    ]
    if isinstance(value, bool) and (word := "on" if value else "off") in choices:
        return f'YAML takes {word} for {str(value).lower()}; write "{word}" in quotes'
    if isinstance(value, str) and (close := close_names(value, choices)):
        return f"did you mean {listed(close)}?"
    return option.remedy or f"set another --{name}, or leave it out for the default"


def _literal(value: Any, content: Mapping[str, Any]) -> Any:
    """A value as the run gets it; `_NOT_KNOWN` of one that is computed."""
    seen = set()
    while _refers(value):
        name = value[1:]
        if name not in content or name in seen:
            return _NOT_KNOWN
        seen.add(name)
        value = content[name]
    if isinstance(value, str) and value.startswith("$"):
        try:
            return ast.literal_eval(value[1:].strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return _NOT_KNOWN
    if isinstance(value, str):
        return _NOT_KNOWN if value.startswith("%") else value
    if not isinstance(value, _PLAIN) or (isinstance(value, Mapping) and "_target_" in value):
        return _NOT_KNOWN
    if isinstance(value, list | tuple):
        items = [_literal(item, content) for item in value]
        return _NOT_KNOWN if _NOT_KNOWN in items else items
    return value


def _number(text: str) -> float | None:
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return None


def _value_of(key: str, content: Any) -> Any:
    for part in key.split("::"):
        content = content[part]
    return content


def _has(content: Any, key: str) -> bool:
    for part in key.split("::"):
        if not isinstance(content, Mapping) or part not in content:
            return False
        content = content[part]
    return True


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
