"""Where a generated set comes from, for the leakage guards and for whoever receives it."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..files import write_json

FILE_NAME = "provenance.json"
_REQUIRED = ("bundle", "checkpoint", "seed", "cases", "training", "hu_window", "spacing", "postprocessing")


def package_versions() -> dict[str, str]:
    """Of the packages that a generated file's bytes depend on."""
    return {name: version(name) for name in ("torch", "numpy", "nibabel")}


def write_provenance(directory: str | Path, provenance: Mapping[str, Any]) -> Path:
    """Write ``provenance.json`` of a generated set.

    Raises:
        ValueError: One of the keys of the data contract is missing.
    """
    path = Path(directory) / FILE_NAME
    if missing := [key for key in _REQUIRED if key not in provenance]:
        raise ValueError(f"provenance for {path} lacks {missing}")
    write_json(provenance, path, sort_keys=True)
    return path


def read_provenance(directory: str | Path) -> dict[str, Any]:
    """Provenance of the generated set in ``directory``.

    Raises:
        FileNotFoundError: The set has none.
        ValueError: It lacks a key of the data contract.
    """
    path = Path(directory) / FILE_NAME
    if not path.is_file():
        raise FileNotFoundError(f"no {path}: a generated set must say what its generator was trained on")
    provenance = json.loads(path.read_text())
    if missing := [key for key in _REQUIRED if key not in provenance]:
        raise ValueError(f"{path} lacks {missing}: generate the set again with `run inferring`")
    return provenance
