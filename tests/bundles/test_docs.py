"""The bundles' docs are in the form of the model zoo, and what they name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUNDLES = sorted(path.name for path in (ROOT / "bundles").iterdir() if (path / "docs").is_dir())
SECTIONS = [
    *("Model overview", "Data", "Training configuration", "Inputs and outputs", "Performance", "Commands"),
    *("Overrides", "Several GPUs", "References", "License"),
]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("bundles/*/docs/*.md")])


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")


def names(pages):
    return [path.relative_to(ROOT).as_posix() for path in pages]


@pytest.mark.parametrize("bundle", BUNDLES)
def test_sections_stand_in_the_zoos_order(bundle):
    text = (ROOT / "bundles" / bundle / "docs" / "README.md").read_text()
    found = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [name for name in found if name in SECTIONS] == SECTIONS


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_files_and_sections_that_a_page_links_to_are_there(page):
    for target in re.findall(r"\]\((?!https?://)([^)\s]+)\)", page.read_text()):
        path, _, section = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if section:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            assert section in {
                re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
            }


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_configs_that_commands_name_are_there(page):
    for path in re.findall(r"bundles/\w+/configs/[\w/]+\.(?:yaml|json)", page.read_text()):
        assert (ROOT / path).is_file(), path


def test_values_are_written_as_the_command_line_takes_them():
    """MONAI reads `--key true` and `--key null` as text, which is true to Python, and drops `--key None`."""
    files = [*PAGES, *ROOT.glob("common/**/*.py"), *ROOT.glob("bundles/*/configs/**/*.yaml")]
    found = [path.name for path in files if re.search(r"--\w+[ =](null|None|true|false)\b", path.read_text())]
    assert not found


def test_no_long_line_stands_in_two_bundles_docs():
    """Text that is carried over from another bundle is not about this one."""
    seen = {}
    for page in ROOT.glob("bundles/*/docs/README.md"):
        text = page.read_text().partition("## References")[0]
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        for line in {line for line in prose.splitlines() if len(line) > 60 and not line.startswith("From the root of")}:
            assert line not in seen, f"{page}, {seen[line]}: {line}"
            seen[line] = page
