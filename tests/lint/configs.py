"""Rules for the bundles' configs."""

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tests.lint.finding import LINE_LENGTH, Finding, config_files, line_of, numbered_lines, read_config

LINES = 200
OF_A_BUNDLE = ("configs/smoke.yaml", "configs/metadata.json", "docs/README.md")
SIZES = ("hagan_128", "hagan_256")  # one bundle at two sizes
REPEATED = ("dataset.yaml",)  # of each generator that sets are published of
ONE_SIZE_ALONE = {
    "demo.yaml",
    "phantom_crop.yaml",
    "search.yaml",
    "study.yaml",
}  # the search takes any bundle's configs


def config_is_short(root: Path) -> Iterator[Finding]:
    """A newcomer reads a config in one go."""
    for path, number, line in numbered_lines(config_files(root)):
        if number == LINES + 1:
            yield Finding(path, number, f"more than {LINES} lines", "move a part into an overlay")
        if len(line) > LINE_LENGTH:
            yield Finding(path, number, f"{len(line)} characters", f"wrap the line: {LINE_LENGTH} at most")


def number_has_a_source(root: Path) -> Iterator[Finding]:
    """A number at the top of a workflow's config is followed by a comment: the paper, the thesis, or why."""
    for path in _workflows(root):
        numbers = {key for key, value in read_config(path).items() if _is_number(value)} - {"seed"}
        commented = set(re.findall(r"^(\w+):.*\S +# *\S", path.read_text(), re.MULTILINE))
        if not numbers:
            yield Finding(path, 1, "no key is a number", "give each number that a user may change a key at the top")
        for key in sorted(numbers - commented):
            yield Finding(path, line_of(path, f"{key}:"), f"{key} has no source", "say behind it where it comes from")


def bundle_is_whole(root: Path) -> Iterator[Finding]:
    """Every bundle has a workflow, its smoke overlay, metadata and a page."""
    for bundle in sorted(path for path in (root / "bundles").iterdir() if path.is_dir()):
        for name in OF_A_BUNDLE:
            if not (bundle / name).is_file():
                yield Finding(bundle / name, 1, "missing", "every bundle has one")
        if not any(bundle in path.parents for path in _workflows(root)):
            yield Finding(bundle / "configs", 1, "no config has imports and run", "every bundle has a workflow")


def sizes_differ_in_numbers_only(root: Path) -> Iterator[Finding]:
    """Two bundles that are one at two sizes have the same configs, but for numbers and comments."""
    first, second = (root / "bundles" / bundle / "configs" for bundle in SIZES)
    names = {path.name for path in first.glob("*.yaml")}
    shared = {path.name for path in second.glob("*.yaml")}
    for name in sorted(names ^ (shared | ONE_SIZE_ALONE)):
        remedy = "give it to both" if name in names else "add it, or take it out of the other or of this rule"
        yield Finding(first / name, 1, f"not alike in {' and '.join(SIZES)}", remedy)
    for name in sorted(names & shared):
        shapes = [
            _without_numbers(folder / name, bundle) for folder, bundle in zip((first, second), SIZES, strict=True)
        ]
        for number, (ours, theirs) in enumerate(zip_longest(*shapes), start=1):
            if ours != theirs:
                yield Finding(first / name, number, f"other than in {SIZES[1]}", "let the two differ in numbers only")


def copy_follows_its_original(root: Path) -> Iterator[Finding]:
    """A config that other bundles repeat is as in the first of the two sizes, but for numbers and comments."""
    for path in sorted(path for name in REPEATED for path in root.glob(f"bundles/*/configs/{name}")):
        original = root / "bundles" / SIZES[0] / "configs" / path.name
        if not original.is_file():
            yield Finding(path, 1, f"{SIZES[0]} has none", "add it there, or take it out of this rule")
            continue
        shapes = [_without_numbers(file, file.parents[1].name) for file in (path, original)]
        for number, (ours, theirs) in enumerate(zip_longest(*shapes), start=1):
            if ours != theirs:
                yield Finding(path, number, f"other than in {SIZES[0]}", "let the two differ in the bundle's name only")


def _workflows(root: Path) -> list[Path]:
    """Configs that are no overlays: these import nothing."""
    return [path for path in config_files(root) if {"imports", "run"} <= read_config(path).keys()]


def _is_number(value: Any) -> bool:
    """Whether a setting is a number or a list of them, `1e-4` included, which YAML reads as text."""
    if isinstance(value, list):
        return bool(value) and all(map(_is_number, value))
    return not isinstance(value, bool) and re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", str(value)) is not None


def _without_numbers(path: Path, bundle: str) -> list[str]:
    text = path.read_text().replace(bundle, "BUNDLE")
    return [re.sub(r"[\d.]+", "N", re.sub(r" *#.*", "", line)) for line in text.splitlines()]


RULES = (config_is_short, number_has_a_source, bundle_is_whole, sizes_differ_in_numbers_only, copy_follows_its_original)
