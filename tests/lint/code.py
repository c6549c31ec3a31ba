"""Rules for Python files: how long they are, and what imports what."""

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from common.packaging.reach import imported_names
from tests.lint.finding import Finding, line_of

LINES = 300
MAP = "CONTRIBUTING.md"
ROOMS = r"`(\w+(?:, \w+)*(?: → \w+(?:, \w+)*)+)`"


def file_is_short(root: Path) -> Iterator[Finding]:
    """One idea a file."""
    for path in sorted(path for room in ("common", "bundles", "tests") for path in (root / room).rglob("*.py")):
        if (lines := len(path.read_text().splitlines())) > LINES:
            yield Finding(path, lines, f"{lines} lines", f"split it by what it is about: {LINES} at most")


def imports_run_downhill(root: Path) -> Iterator[Finding]:
    """A room of `common` imports from those on its left in the line of CONTRIBUTING.md, what lies in none from none."""
    line = re.search(ROOMS, (root / MAP).read_text())
    if line is None:
        yield Finding(root / MAP, 1, "has no line of rooms", "write `data → transforms, losses → …`, equals by a comma")
        return
    steps = {room: step for step, rooms in enumerate(line[1].split(" → "), start=1) for room in rooms.split(", ")}
    for path in sorted((root / "common").rglob("*.py")):
        room = _room(root, *path.relative_to(root).parts[1:-1])
        if room and room not in steps:
            yield Finding(path, 1, f"the room {room} has no place", f"add it to the line of rooms in {MAP}")
            continue
        for name in imported_names(path, checkout=root):
            package, *parts = name.split(".")
            if package in ("bundles", "tests"):
                yield Finding(path, 1, f"imports {name}", "common is used by bundles and tests, and uses none of them")
            other = _room(root, *parts) if package == "common" else None
            if other and other != room and steps.get(other, 0) >= steps.get(room or "", 0):
                what = f"{room or 'common'} imports from {other}, which is not on its left in {MAP}"
                yield Finding(path, line_of(path, rf"\s*(from|import) .*\b{other}\b"), what, "move what both need left")


def imports_make_no_circle(root: Path) -> Iterator[Finding]:
    """No module of `common` imports itself by way of others; imports inside of functions count."""
    files = {".".join(path.relative_to(root).with_suffix("").parts): path for path in (root / "common").rglob("*.py")}
    files = {name.removesuffix(".__init__"): path for name, path in sorted(files.items())}
    graph = {}
    for module, path in files.items():
        names = imported_names(path, checkout=root)
        graph[module] = {name if name in files else name.rpartition(".")[0] for name in names} & files.keys()
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1][::-1]  # it comes as imported, importing
        yield Finding(
            files[circle[0]], 1, " imports ".join(circle), "move what two of them need into a file of its own"
        )


def _room(root: Path, *parts: str) -> str | None:
    """First folder of a path below `common`; None for what lies in no room."""
    return parts[0] if parts and (root / "common" / parts[0]).is_dir() else None


RULES = (file_is_short, imports_run_downhill, imports_make_no_circle)
