"""What a rule finds, and the files that several rules read."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

LINE_LENGTH = 120


class Finding(NamedTuple):
    """What is wrong in a line of a file, and how to mend it."""

    path: Path
    line: int
    what: str
    remedy: str


def config_files(root: Path) -> list[Path]:
    """All configs of all bundles."""
    return sorted(root.glob("bundles/*/configs/**/*.yaml"))


def pages(root: Path) -> list[Path]:
    """What people read: pages at the top, and the docs of each bundle."""
    patterns = ("*.md", "docs/**/*.md", "findings/**/*.md", "bundles/*/docs/**/*.md")
    return sorted(path for pattern in patterns for path in root.glob(pattern))


@cache
def read_config(path: Path) -> dict[str, Any]:
    """A config as YAML has it; a search space that is a list of combinations has no keys."""
    content = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return content if isinstance(content, dict) else {}


def numbered_lines(paths: Iterable[Path]) -> Iterator[tuple[Path, int, str]]:
    """File, number and text of each line."""
    for path in paths:
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            yield path, number, line


def line_of(path: Path, pattern: str) -> int:
    """Number of the first line that begins with a regular expression, else 1."""
    return next((number for _, number, line in numbered_lines([path]) if re.match(pattern, line)), 1)
