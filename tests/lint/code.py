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


def map_says_what_rooms_import(root: Path) -> Iterator[Finding]:
    """The table of rooms in CONTRIBUTING.md has a row for each, and in its last cell the rooms that it imports from."""
    page = root / MAP
    rows = dict(re.findall(r"^\| `common/(\w+)` \|.*\|([\w, ]*)\|$", page.read_text(), re.MULTILINE))
    found: dict[str, set[str]] = {}
    for path in sorted((root / "common").rglob("*.py")):
        if room := _room(root, *path.relative_to(root).parts[1:-1]):
            names = [name.split(".") for name in imported_names(path, checkout=root)]
            others = {_room(root, *parts[1:]) for parts in names if parts[0] == "common"}
            found.setdefault(room, set()).update(other for other in others if other and other != room)
    for room in sorted(found.keys() | rows.keys()):
        said = ", ".join(sorted(found.get(room, ())))
        if room not in rows or room not in found:
            yield Finding(page, 1, f"the table has {room}: {room in rows}, common has it: {room in found}", "mend it")
        elif rows[room].strip() != said:
            line = line_of(page, rf"\| `common/{room}`")
            yield Finding(page, line, f"{room} imports from {said or 'no room'}", f"mend '{rows[room].strip()}'")


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


RULES = (file_is_short, imports_run_downhill, map_says_what_rooms_import, imports_make_no_circle)
