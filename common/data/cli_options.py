"""What the options of the data room's command line may be: all that is wrong is told at once, and first."""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple, get_args

from .cases import OnBadCase
from .dicom.rois import is_rois
from .sources.existing_nifti import Mode


class _Kind(NamedTuple):
    """Whether a value is one of it, and what to call it."""

    accepts: Callable[[Any], bool]
    expected: str


def _is_whole(value: Any, *, least: int = 0) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_size(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def _is_list(value: Any, accepts: Callable[[Any], bool], *, count: int | None = None) -> bool:
    items = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
    return bool(items) and all(map(accepts, items)) and count in (None, len(items))


def _is_name(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, str) and bool(value.strip()))


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[A-Za-z0-9_]+", value) is not None


def _one_of(*choices: str) -> _Kind:
    return _Kind(lambda value: value in choices, " or ".join(choices))


_PATH = _Kind(lambda value: isinstance(value, Path) or (isinstance(value, str) and bool(value.strip())), "a path")
_COUNT = _Kind(lambda value: _is_whole(value, least=1), "a whole number from 1")
_VOXELS = _Kind(lambda value: _is_list(value, _COUNT.accepts, count=3), "three whole numbers from 1, such as 64,64,32")
_KINDS = {
    **dict.fromkeys(
        ("output", "input", "datalist", "dataset_dir", "cache_dir", "set_dir", "key", "generated_dir"), _PATH
    ),
    **dict.fromkeys(("folds", "min_slices", "workers", "count", "windows"), _COUNT),
    **dict.fromkeys(("size", "shape", "cut"), _VOXELS),
    "seed": _Kind(_is_whole, "a whole number from 0"),
    "test_fraction": _Kind(lambda value: value == 0 or (_is_size(value) and value < 1), "a share from 0, below 1"),
    "centres": _Kind(lambda value: _is_name(value) or _is_list(value, _is_name), "names, such as CHUM,CHUS"),
    "labels": _Kind(lambda value: _is_list(value, _is_whole), "a list of values, such as 0,1,2"),
    "window_mm": _Kind(lambda value: _is_list(value, _is_size, count=3), "three sizes in mm"),
    "rois": _Kind(is_rois, "names or patterns with a label value from 1 each, such as \"{'GTVp.*':1,'GTVn.*':2}\""),
    "list": _Kind(lambda value: isinstance(value, bool), "True or False, with the capital"),
    "number": _Kind(lambda value: _is_whole(value, least=1) and value <= 999, "a whole number from 1 to 999"),
    "name": _Kind(_is_word, "letters, digits and _"),
    "declared": _Kind(lambda value: isinstance(value, bool), "True or False, with the capital"),
    "repair": _Kind(lambda value: isinstance(value, bool), "True or False, with the capital"),
    "form": _one_of("nifti", "dicom"),
    "port": _Kind(lambda value: _is_whole(value, least=1) and value <= 65535, "a whole number from 1 to 65535"),
    "run": _Kind(lambda value: isinstance(value, str) and bool(value.strip()), "a command"),
    "on_bad_case": _one_of(*get_args(OnBadCase)),
    "mode": _one_of(*get_args(Mode)),
    "lesions": _one_of("typical", "large"),  # not by import, which brings scipy
}


def require_options(given: Mapping[str, Any], *, further: Mapping[str, Any], known: Collection[str], of: str) -> None:
    """Refuse options of a command that it does not have, or with values that they may not have.

    Args:
        given: Those of the command; None leaves one out.
        further: Those that belong to a source.
        known: Names that the source has.
        of: The source, for messages.

    Raises:
        ValueError: A line for each of them.
    """
    lines = []
    for name in further:
        if name not in known:
            close = get_close_matches(name, [*known, *given], 1)
            hint = f"did you mean --{close[0]}?" if close else "leave it out"
            has = f"has {', '.join(f'--{option}' for option in known)}" if known else "has no options of its own"
            lines.append(f"--{name} is {further[name]!r}, but {of} {has}: {hint}")
    for name, value in {**given, **further}.items():
        kind = _KINDS.get(name)
        if kind is not None and value is not None and not kind.accepts(value):
            lines.append(f"--{name} is {value!r}, expected {kind.expected}: set another, or leave it out")
    if lines:
        raise ValueError("\n".join(lines))
