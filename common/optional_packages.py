"""Packages that only some work needs: imported when it is done, and named with their file where they are missing."""

from importlib import import_module
from typing import Any

FILE = "requirements-clinic.txt"


def optional_package(name: str, *, needed_for: str) -> Any:
    """The module `name` of a package in ``requirements-clinic.txt``.

    Raises:
        RuntimeError: It is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise RuntimeError(
            f"{needed_for} needs {name}, which is not installed ({error}): pip install -r {FILE}, or pip install {name}"
        ) from error
