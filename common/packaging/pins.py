"""Versions that an exported bundle was made with."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path
from sys import stdlib_module_names
from typing import Any

from .reach import PACKAGE, imported_names

_OF_THEIR_OWN = {"monai": "monai_version", "torch": "pytorch_version", "numpy": "numpy_version"}


def pinned(metadata: Mapping[str, Any], modules: Iterable[Path], *, checkout: Path) -> dict[str, Any]:
    """Metadata with the versions that are really installed, of what it requires and of what `modules` import.

    Raises:
        importlib.metadata.PackageNotFoundError: Something required is not installed.
    """
    required = metadata.get("required_packages_version", {})
    known = {normalised(name) for name in required} | set(_OF_THEIR_OWN)
    found = {name for name in distributions(modules, checkout=checkout) if normalised(name) not in known}
    return {
        **metadata,
        **{key: installed(name) for name, key in _OF_THEIR_OWN.items()},
        "required_packages_version": {name: installed(name) for name in [*required, *sorted(found)]},
    }


def installed(name: str) -> str:
    """Version of a distribution without its build, such as ``+cpu``."""
    return version(name).split("+")[0]


def distributions(modules: Iterable[Path], *, checkout: Path) -> set[str]:
    """Distributions from outside that the Python files import."""
    names = {name.split(".")[0] for path in modules for name in imported_names(path, checkout=checkout)}
    available = _available()
    outside = names - stdlib_module_names - {PACKAGE}
    return {available[name][0] for name in outside if name in available}


@cache  # a second, as it reads the list of files of whatever is installed
def _available() -> Mapping[str, list[str]]:
    return packages_distributions()


def normalised(name: str) -> str:
    """The name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()
