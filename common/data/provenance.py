"""Where a generated set comes from, for the leakage guards and for whoever receives it."""

from collections.abc import Mapping
from importlib.metadata import version
from math import isfinite
from pathlib import Path
from typing import Any

from ..files import read_json, write_json
from .list_entries import plain_ids
from .preprocessing import complete

FILE_NAME = "provenance.json"
_REQUIRED = ("bundle", "checkpoint", "seed", "cases", "training", "hu_window", "spacing", "postprocessing")
_KINDS: dict[str, tuple[type, str]] = {  # null stands for what is not known
    **dict.fromkeys(("bundle", "checkpoint", "postprocessing", "preprocessing"), (dict, "an object")),
    "cases": (list, "a list of objects"),
    "seed": (int, "a whole number"),
}
_REMEDY = "take the set's own file again, or generate the set again with `run inferring`"


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
    """Provenance of the generated set in ``directory``, with case ids as text.

    Raises:
        FileNotFoundError: The set has none.
        ValueError: It is no JSON, lacks a key of the data contract, or has one that is something else than it must be;
            the message names file and key.
    """
    path = Path(directory) / FILE_NAME
    if not path.is_file():
        raise FileNotFoundError(f"no {path}: a generated set must say what its generator was trained on")
    provenance = read_json(path, remedy=_REMEDY)
    if not isinstance(provenance, dict):
        raise ValueError(f"{path} holds {provenance!r}, expected an object with {list(_REQUIRED)}: {_REMEDY}")
    if missing := [key for key in _REQUIRED if key not in provenance]:
        raise ValueError(f"{path} lacks {missing}: {_REMEDY}")
    for key, (kind, expected) in _KINDS.items():
        if provenance.get(key) is not None and not isinstance(provenance[key], kind):
            raise ValueError(f"{path}: {key} is {provenance[key]!r}, expected {expected}: {_REMEDY}")
    provenance["training"] = _training(provenance["training"], path)
    window, spacing = provenance["hu_window"], provenance["spacing"]
    if not _numbers(window, 2) or not window[0] < window[1]:
        raise ValueError(f"{path}: hu_window is {window!r}, expected two numbers, the lower first: {_REMEDY}")
    if spacing is not None and (not _numbers(spacing, 3) or min(spacing) <= 0):
        raise ValueError(f"{path}: spacing is {spacing!r}, expected three sizes in mm: {_REMEDY}")
    for case in provenance["cases"] or ():
        if not isinstance(case, dict) or not isinstance(case.get("case_id"), str):
            raise ValueError(f"{path}: cases has {case!r}, expected an object with a case_id: {_REMEDY}")
    recorded = provenance.get("preprocessing")
    spacing = recorded.get("spacing") if isinstance(recorded, dict) else None
    if spacing is not None and (not _numbers(spacing, 3) or min(spacing) <= 0):
        raise ValueError(f"{path}: preprocessing has spacing {spacing!r}, expected three sizes in mm: {_REMEDY}")
    try:
        complete(recorded)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}: {_REMEDY}") from error
    return provenance


def _training(training: Any, path: Path) -> dict[str, Any]:
    """What is said of the generator's training, with the ids of its cases, and of those behind them, as text."""
    if not isinstance(training, dict) or "case_ids" not in training:
        raise ValueError(f"{path}: training is {training!r}, expected an object with case_ids: {_REMEDY}")
    ids = {
        key: plain_ids(training[key], key=f"training.{key}", where=str(path), remedy=_REMEDY)
        for key in ("case_ids", "generator_case_ids")
        if key in training
    }
    return {**training, **ids}


def _numbers(value: Any, count: int) -> bool:
    """Whether it is a list of so many finite numbers."""
    return isinstance(value, list) and len(value) == count and all(map(_is_number, value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
