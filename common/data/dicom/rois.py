"""Structures by name or pattern, and the label values that they become."""

import re
from collections.abc import Mapping
from typing import Any


def is_rois(value: Any) -> bool:
    """Whether it is a mapping of names or patterns to label values from 1."""
    if not isinstance(value, Mapping) or not value:
        return False
    return all(_is_pattern(name) and _is_value(label) for name, label in value.items())


def _is_pattern(name: Any) -> bool:
    try:
        return isinstance(name, str) and bool(name.strip()) and re.compile(name) is not None
    except re.error:
        return False


def _is_value(label: Any) -> bool:
    return isinstance(label, int) and not isinstance(label, bool) and 1 <= label <= 65535


def values_of(name: str, rois: Mapping[str, int]) -> list[int]:
    """Label values of a structure: of the entries that are its name, else of all patterns that match the whole of it.

    Capitals and spaces around do not matter.
    """
    plain = name.strip().lower()
    if exact := [value for pattern, value in rois.items() if pattern.strip().lower() == plain]:
        return list(dict.fromkeys(exact))
    return list(dict.fromkeys(v for pattern, v in rois.items() if re.fullmatch(pattern.strip(), plain, re.IGNORECASE)))


def label_names(rois: Mapping[str, int]) -> dict[str, str]:
    """Labels of a data list: value, as text, to the patterns that become it; no name out of a DICOM file is one."""
    names: dict[int, list[str]] = {}
    for pattern, value in rois.items():
        names.setdefault(value, []).append(pattern)
    return {"0": "background", **{str(value): " or ".join(names[value]) for value in sorted(names)}}
