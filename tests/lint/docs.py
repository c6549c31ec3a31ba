"""Rules for what people read, and for commands wherever they stand."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.lint.finding import Finding, config_files, numbered_lines, pages

SECTIONS = [
    *("Model overview", "Data", "Training configuration", "Inputs and outputs", "Performance", "Commands"),
    *("Overrides", "Several GPUs", "References", "License"),
]
HEADS = ["getting_started.md", "how_to.md", "reference.md", "explanation.md"]  # one for each kind of reader
FIRST_SCREEN = 32


def sections_stand_in_the_zoos_order(root: Path) -> Iterator[Finding]:
    """A bundle's page has the sections of the model zoo; others may stand between them."""
    for path in sorted(root.glob("bundles/*/docs/README.md")):
        found = [name for name in re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE) if name in SECTIONS]
        if found != SECTIONS:
            yield Finding(path, 1, f"has the sections {', '.join(found)}", f"order them: {', '.join(SECTIONS)}")


def link_leads_somewhere(root: Path) -> Iterator[Finding]:
    """Files, sections and configs that a page names are there."""
    for path, number, line in numbered_lines(pages(root)):
        for target in re.findall(r"\]\((?!https?://)([^)\s]+)\)", line):
            name, _, section = target.partition("#")
            file = (path.parent / name).resolve() if name else path
            if not file.exists():
                yield Finding(path, number, f"no file {target}", "mend the link")
            elif section and section not in _anchors(file):
                yield Finding(path, number, f"no section {target}", "mend the link")
        for config in re.findall(r"bundles/\w+/configs/[\w/]+\.(?:yaml|json)", line):
            if not (root / config).is_file():
                yield Finding(path, number, f"no config {config}", "mend the command")


def contents_name_every_section(root: Path) -> Iterator[Finding]:
    """A page that begins with a list of links to its sections leaves none out."""
    for path in pages(root):
        text = path.read_text()
        listed = re.findall(r"^- \[(.+)\]\(#\S+\)$", text.partition("\n## ")[0], re.MULTILINE)
        for section in re.findall(r"^## (.+)$", text, re.MULTILINE) if listed else []:
            if section not in listed:
                yield Finding(path, 1, f"the list of sections lacks '{section}'", "add a link to it")


def first_screen_shows_the_way(root: Path) -> Iterator[Finding]:
    """What stands above a bundle's first section: one command, one picture, and a link for each kind of reader."""
    for path in sorted(root.glob("bundles/*/docs/README.md")):
        text = path.read_text().partition(f"\n## {SECTIONS[0]}")[0]
        commands = re.findall(r"^```bash\n(.+)\n```$", text, re.MULTILINE)
        pictures = re.findall(r"^!\[.+\]\(\w+\.png\)", text, re.MULTILINE)
        links = [target for target in re.findall(r"\]\((\w+\.md)\)", text) if target in HEADS]
        if (lines := len(text.splitlines())) > FIRST_SCREEN:
            yield Finding(path, lines, f"{lines} lines before the first section", f"{FIRST_SCREEN} at most")
        if len(commands) != 1 or text.count("```") != 2:
            yield Finding(path, 1, f"{len(commands)} commands before the first section", "show one, on one line")
        if len(pictures) != 1:
            yield Finding(path, 1, f"{len(pictures)} pictures before the first section", "show one")
        if links != HEADS:
            yield Finding(path, 1, f"the first section comes after links to {links}", f"link to {', '.join(HEADS)}")


def page_stays_in_its_bundle(root: Path) -> Iterator[Finding]:
    """An exported bundle has no neighbours: links lead nowhere else, and its README leads to every page."""
    for readme in sorted(root.glob("bundles/*/docs/README.md")):
        reached: set[str] = set()
        todo = {readme.name}
        while todo:
            reached |= todo
            links = {name for page in todo for name in re.findall(r"\]\((\w+\.md)", (readme.parent / page).read_text())}
            todo = {name for name in links - reached if (readme.parent / name).is_file()}
        for path, number, line in numbered_lines(sorted(readme.parent.glob("*.md"))):
            if number == 1 and path.name not in reached:
                yield Finding(path, 1, f"no link leads here from {readme.name}", "link to it")
            for target in re.findall(r"\]\((\.\./\.\.[^)]*)\)", line):
                yield Finding(path, number, f"{target} is not in this bundle", "name the bundle, or say it here")


def value_is_as_the_command_line_takes_it(root: Path) -> Iterator[Finding]:
    """MONAI reads `--key true` and `--key null` as text, which is true to Python, and drops `--key None`."""
    files = [*pages(root), *sorted(root.glob("common/**/*.py")), *config_files(root)]
    for path, number, line in numbered_lines(files):
        if found := re.search(r"--\w+[ =](null|None|true|false)\b", line):
            yield Finding(path, number, found[0], "write True or False, and leave out what is none")


def bundles_share_no_long_line(root: Path) -> Iterator[Finding]:
    """Text that is carried over from another bundle is not about this one."""
    seen: dict[str, Path] = {}
    for page in sorted(root.glob("bundles/*/docs/README.md")):
        text = page.read_text().partition("## References")[0]
        prose = set(re.sub(r"```.*?```", "", text, flags=re.DOTALL).splitlines())
        for path, number, line in numbered_lines([page]):
            if line in prose and len(line) > 60 and not line.startswith("From the root of"):
                other = seen.setdefault(line, page)
                if other != page:
                    yield Finding(path, number, f"stands in {other.relative_to(root)}, too", "say what is so here")


def _anchors(page: Path) -> set[str]:
    """Sections of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


RULES = (
    *(sections_stand_in_the_zoos_order, link_leads_somewhere, contents_name_every_section, first_screen_shows_the_way),
    *(page_stays_in_its_bundle, value_is_as_the_command_line_takes_it, bundles_share_no_long_line),
)
