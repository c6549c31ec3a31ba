"""Rules for the overlays that repeat experiments of the thesis."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.lint.finding import Finding, line_of, numbered_lines, read_config

# of the thesis, tables of setups and of results
TABLES = {f"4.{number}" for number in range(16, 34)} | {f"5.{number}" for number in (6, 7, 8, 9, *range(10, 17))}
OF_INFERENCE = "inference_"


def experiment_says_what_it_is(root: Path) -> Iterator[Finding]:
    """An overlay names its tables and their figures at its top, and a source behind each line."""
    for path in _experiments(root):
        head = " ".join(line[1:] for line in path.read_text().splitlines() if line.startswith("#"))
        if not re.search(r"[Tt]hesis tables? [45]\.\d+", head):
            yield Finding(path, 1, "names no table", "write 'thesis table 4.…' into the comment at its top")
        if not re.search(r"FID|No figures", head):
            yield Finding(path, 1, "gives no figures", "write the table's FID, or 'No figures', into that comment")
    for path, number, line in numbered_lines(_experiments(root)):
        if not line.startswith("#") and not re.search(r"\S +# \S", line):
            yield Finding(path, number, "no source", "say behind it which table it comes from")


def every_table_has_an_experiment(root: Path) -> Iterator[Finding]:
    """No table of the thesis is left out."""
    found = {table for path in _experiments(root) for table in re.findall(r"\b[45]\.\d+", path.read_text())}
    for table in sorted(TABLES - found):
        yield Finding(root / "bundles", 1, f"no experiment names thesis table {table}", "add one, or name it in one")


def experiment_changes_what_is_there(root: Path) -> Iterator[Finding]:
    """Each key is one of the workflow below; an argument may be new, its component may not."""
    for path in _experiments(root):
        below = path.parents[1] / ("inference.yaml" if path.stem.startswith(OF_INFERENCE) else "train.yaml")
        for key in (key.removeprefix("+") for key in read_config(path)):
            if not _has(read_config(below), (key.rpartition("::")[0] or key).split("::")):
                yield Finding(path, line_of(path, re.escape(key)), f"{below.name} has no {key}", "mend the key")


def experiment_is_in_the_docs(root: Path) -> Iterator[Finding]:
    """The docs of its bundle list it."""
    for path in _experiments(root):
        docs = path.parents[2] / "docs"
        if f"`{path.stem}`" not in "".join(page.read_text() for page in docs.rglob("*.md")):
            yield Finding(path, 1, "no page names it", f"write `{path.stem}` into a page of {docs.relative_to(root)}")


def _experiments(root: Path) -> list[Path]:
    return sorted(root.glob("bundles/*/configs/experiments/*.yaml"))


def _has(content: Any, keys: list[str]) -> bool:
    for key in keys:
        if isinstance(content, list) and key.isdigit() and int(key) < len(content):
            content = content[int(key)]
        elif isinstance(content, dict) and key in content:
            content = content[key]
        else:
            return False
    return True


RULES = (
    *(experiment_says_what_it_is, every_table_has_an_experiment),
    *(experiment_changes_what_is_there, experiment_is_in_the_docs),
)
