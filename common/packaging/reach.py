"""Which modules of `common` configs, scripts and documented commands reach, by reading and without importing."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = "common"
_DOTTED = re.compile(rf"\b{PACKAGE}(?:\.\w+)+")
_FROM = re.compile(rf"\bfrom ({PACKAGE}[\w.]*) import (\w+)")
_COMMAND = re.compile(rf"-m ({PACKAGE}[\w.]*)")


def reached_modules(roots: Iterable[Path], *, checkout: Path) -> set[Path]:
    """Files of all modules of `common` that the texts `roots` name, and of all that those import.

    Args:
        roots: YAML, Markdown and Python files; a name in a comment counts, and ``python -m common.x`` does too.
        checkout: Folder that `common` lies in.
    """
    todo = [name for path in roots for name in _names(path, checkout)]
    reached: set[Path] = set()
    known: set[str] = set()
    while todo:
        if (name := todo.pop()) in known:
            continue
        known.add(name)
        for file in _files(name, checkout):
            if file not in reached:
                reached.add(file)
                todo += imported_names(file, checkout=checkout)
    return reached


def imported_names(path: Path, *, checkout: Path) -> list[str]:
    """Absolute dotted names that the imports of a Python file mean, relative ones and those of functions included."""
    package = path.resolve().relative_to(checkout.resolve()).parent.parts  # of `__package__`
    names: list[str] = []
    for node in _imports(path.read_text(), str(path)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        else:
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            names += [f"{module}.{alias.name}" for alias in node.names]
    return names


@cache
def _imports(source: str, file: str) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """Import statements; an export asks for each file several times."""
    return tuple(node for node in ast.walk(ast.parse(source, file)) if isinstance(node, ast.Import | ast.ImportFrom))


def data_files(modules: Iterable[Path], *, checkout: Path) -> set[Path]:
    """Files other than Python's that lie in the packages of `modules`, or in folders of theirs that are no package.

    The embedded synthetic set stays in the checkout.
    """
    packages = {file.parent for file in modules if file.name == "__init__.py"}
    files = (path for path in (checkout / PACKAGE).rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc"))
    visible = (path for path in files if not any(part.startswith(".") for part in path.relative_to(checkout).parts))
    embedded = checkout / PACKAGE / "data" / "synthetic"  # megabytes of pairs, which no workflow reads
    return {path for path in visible if _owner(path) in packages and embedded not in path.parents}


def _owner(path: Path) -> Path:
    return next(parent for parent in path.parents if (parent / "__init__.py").is_file())


def _names(path: Path, checkout: Path) -> list[str]:
    if path.suffix == ".py":
        return imported_names(path, checkout=checkout)
    text = path.read_text()
    commands = [f"{name}.__main__" for name in _COMMAND.findall(text)]
    return [*_DOTTED.findall(text), *(".".join(parts) for parts in _FROM.findall(text)), *commands]


def _files(name: str, checkout: Path) -> Iterator[Path]:
    """Files that importing `name` runs: the ``__init__`` of each package on the way, and the module."""
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return
    for count in range(1, len(parts) + 1):
        base = checkout.joinpath(*parts[:count])
        for file in (base / "__init__.py", base.with_suffix(".py")):
            if file.is_file():
                yield file
