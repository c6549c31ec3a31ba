"""The check of the options of runs that are to be started later, such as those of a search."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from .declaration import read_declaration, read_yaml
from .overlays import file_problems, missing_parts, named_parts
from .problems import find_problems, sibling_keys
from .require import require_options
from .unread import close_names

CALL = f"{require_options.__module__}.{require_options.__name__}"


def problems_ahead(config_files: Sequence[str | Path], options: Mapping[str, Any]) -> list[str]:
    """What the check of a run would say of its options, a line each.

    Of a config that has no such check, as another project's, only keys that it does not have are found.

    Args:
        config_files: Of the run, in the order in which they are laid over each other.
        options: Of its command line; None is null.
    """
    paths = [Path(path) for path in config_files]
    missing = [str(path) for path in paths if not path.is_file()]
    if missing or not paths:
        return [f"no config files {missing}, from {Path.cwd()}, expected YAML files that are there: name others"]
    if lines := missing_parts(config_files):
        return lines
    parser = ConfigParser(deepcopy(_merged(*((path, path.stat().st_mtime_ns) for path in map(Path.resolve, paths)))))
    given = {key: "$None" if value is None else value for key, value in options.items()}
    names = ", ".join(map(str, config_files))
    entries = [entry for value in parser.get().values() if isinstance(value, list) for entry in value]
    check = next((entry for entry in entries if isinstance(entry, Mapping) and entry.get("_target_") == CALL), None)
    lines = []
    for key, value in given.items():
        above = key.replace("#", "::").rpartition("::")[0]
        if key in parser or (check and (not above or above in parser)):
            parser[key] = value
        else:
            close = ", ".join(close_names(key, parser.get()) or sorted(parser.get()))
            lines.append(f"{key}: found {value!r}, but {names} has no key {key}, did you mean {close}?")
    if check is None:
        return lines
    declared = read_declaration(check["bundle"], check["config"])
    base = read_yaml(Path(config_files[0]))
    siblings = functools.cache(lambda: sibling_keys(Path(config_files[0]), declared))
    named = named_parts(config_files)
    if found := file_problems(declared, config_files):
        return lines + found
    return lines + find_problems(
        declared, parser.get(), base=base, typed=given, named=named, siblings=siblings, files=config_files
    )


@functools.lru_cache(16)
def _merged(*files: tuple[Path, int]) -> dict[str, Any]:
    """Content of files laid over each other, given with their times: the many runs of a search have the same ones."""
    return ConfigParser.load_config_files([str(path) for path, _ in files])


def require_ahead(runs: Iterable[tuple[str, Sequence[str | Path], Mapping[str, Any]]]) -> None:
    """Refuse runs that would refuse their options, before the first of them starts.

    Args:
        runs: Name, config files and options of each.

    Raises:
        ValueError: A line for each of them, beginning with the run's name.
    """
    lines = [f"{name}: {line}" for name, files, options in runs for line in problems_ahead(files, options)]
    if lines:
        raise ValueError("\n".join(["nothing was run:", *dict.fromkeys(lines)]))
