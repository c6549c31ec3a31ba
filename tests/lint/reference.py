"""Rules for the reference pages: what they say of the configs is what the configs and the declarations say.

``python -m tests.lint.reference`` writes the rows of the pages.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from common.options.declaration import FOLDER, Option, read_sections
from tests.lint.finding import Finding, line_of, read_config


def reference_lists_every_key(root: Path) -> Iterator[Finding]:
    """A reference page has a section for each workflow, and the sections of configs have their keys and defaults.

    A section is headed by the config's name in backticks. It may be that of an overlay, too.
    """
    for page in sorted(root.glob("bundles/*/docs/reference.md")):
        configs = page.parents[1] / "configs"
        sections = _documented(page)
        for config in sorted(configs.glob("*.yaml")):
            if "run" in read_config(config) and config.name not in sections:
                yield Finding(page, 1, f"no section `{config.name}`", "add a table of its keys")
        for name, rows in sections.items():
            keys = flat_keys(configs / name) if (configs / name).is_file() else {}
            for key in sorted(keys.keys() | rows.keys()):
                line = line_of(page, rf"\| `{key}` ")
                if key not in rows:
                    yield Finding(page, line_of(page, f"## `{name}`"), f"{name} has {key}", "add a row for it")
                elif key not in keys:
                    yield Finding(page, line, f"{name} has no option {key}", "take the row out or mend its key")
                elif keys[key] not in (None, rows[key]):
                    yield Finding(page, line, f"{name} has {key}: {keys[key]}", f"mend the default {rows[key]}")


def row_is_as_declared(root: Path) -> Iterator[Finding]:
    """The rows of a reference page say what is declared of a key, and its default."""
    for page in sorted(root.glob("bundles/*/docs/reference.md")):
        declared = _rows(root, page)
        for number, (line, config, key) in enumerate(_located(page), start=1):
            if line != (row := declared.get((config, key), line)):
                yield Finding(page, number, f"declared is {row}", "python -m tests.lint.reference writes it")


def write_rows(root: Path) -> None:
    """Write the rows of all reference pages as declared; those of new keys come after that of the key before."""
    for page in sorted(root.glob("bundles/*/docs/reference.md")):
        rows = _rows(root, page)
        lines = []
        todo = list(rows)
        for line, config, key in _located(page):
            lines.append(rows.get((config, key), line))
            if (config, key) in todo:
                del todo[: todo.index((config, key)) + 1]
                there = {(config, key) for _, config, key in _located(page)}
                while todo and todo[0][0] == config and todo[0] not in there:
                    lines.append(rows[todo.pop(0)])
        page.write_text("\n".join(lines) + "\n")


def _rows(root: Path, page: Path) -> dict[tuple[str, str], str]:
    """Config's name and key → row of the page, in the order of the configs."""
    bundle, folder = page.parents[1].name, root / FOLDER.relative_to(FOLDER.parents[2])
    if not (folder / f"{bundle}.yaml").is_file():
        return {}
    rows = {}
    for section, options in read_sections(bundle, folder).items():
        name = f"{section.rpartition('/')[2]}.yaml"
        defaults = flat_keys(page.parents[1] / "configs" / name)
        rows |= {(name, key): _row(options[key], defaults[key]) for key in defaults if key in options}
    return rows


def _row(option: Option, default: str | None) -> str:
    words = option.default if default is None else f"`{default}`"
    return f"| `{option.name}` | {option.expected} | {words} | {option.meaning} | {option.source or ''} |"


def _located(page: Path) -> list[tuple[str, str, str]]:
    """Each line, with the config that its section is about and the key of its row; empty texts where there is none."""
    found, config = [], ""
    for line in page.read_text().splitlines():
        if heading := re.match(r"## (?:`(\w+\.yaml)`)?", line):
            config = heading[1] or ""
        row = re.match(r"\| `(\w+)` \|", line)
        found.append((line, config, row[1] if row and config else ""))
    return found


def flat_keys(config: Path) -> dict[str, str | None]:
    """Key → its default as YAML writes it, or None of a computed one, of the options on the top of a config.

    Options stand one a line, below a headline such as ``# --- data ---`` until a blank line, or anywhere in an overlay
    without headlines. A computed value is an option where it has a comment, or says where something lies.
    """
    text, content = config.read_text(), read_config(config)
    headlines = "\n# --- " in "\n" + text
    found: dict[str, str | None] = {}
    inside, title = not headlines, ""
    for line in text.splitlines():
        if headline := re.match(r"# --- (.+?) ?-*$", line):
            inside, title = True, headline[1]
        elif headlines and not line:
            inside = False
        elif inside and (option := re.match(r"([a-z]\w*): +([^#\s].*?)( +#.*)?$", line)):
            key, default, comment = option.groups()
            computed = re.search(r"[@$]|_target_", str(content[key]))
            if not computed or ("_target_" not in default and (comment or title == "where")):
                found[key] = None if computed else default
    return found


def _documented(page: Path) -> dict[str, dict[str, str]]:
    """Config's name → key → default, of the tables below each heading ``## `NAME.yaml```."""
    found: dict[str, dict[str, str]] = {}
    for section in re.split(r"^## ", page.read_text(), flags=re.MULTILINE)[1:]:
        if name := re.match(r"`(\w+\.yaml)`", section):
            rows = re.findall(r"^\| `(\w+)` \|[^|]*\| (.+?) \|", section, re.MULTILINE)
            found[name[1]] = {key: default.strip("`") for key, default in rows}
    return found


RULES = (reference_lists_every_key, row_is_as_declared)

if __name__ == "__main__":
    write_rows(Path(__file__).parents[2])
