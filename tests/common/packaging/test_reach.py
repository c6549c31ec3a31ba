"""Reading which modules are reached, on a small package whose graph is known."""

import pytest

from common.packaging.reach import data_files, imported_names, reached_modules

FILES = {
    "__init__.py": "",
    "a/__init__.py": "from .first import one",
    "a/first.py": "import os\nfrom ..b import shared\n",
    "a/second.py": "def later():\n    from .lazy import x\n",
    "a/lazy.py": "x = 1",
    "a/cli.py": "from .sources.here import prepare",
    "a/__main__.py": "from .cli import main",
    "a/sources/__init__.py": "",
    "a/sources/here.py": "",
    "a/templates/page.html": "<p>",
    "a/sources/table.csv": "1",
    "b/__init__.py": "",
    "b/shared.py": "import common.c",
    "b/unused.py": "",
    "b/.hidden": "",
    "c.py": "import numpy.linalg",
}
# text → modules reached, beside common/__init__.py
CASES = {
    "_target_: common.a.first.One": {"a/__init__.py", "a/first.py", "b/__init__.py", "b/shared.py", "c.py"},
    "- $from common.b import shared": {"b/__init__.py", "b/shared.py", "c.py"},
    "- $import common.c": {"c.py"},
    "x: $common.c.f(1)": {"c.py"},
    "uncommon.c: in.common": set(),
}


@pytest.fixture
def package(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "common" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def reached(package, text, name="config.yaml"):
    (package / name).write_text(text)
    return reached_modules([package / name], checkout=package)


@pytest.mark.parametrize("text", CASES)
def test_configs_reach_what_they_name_and_what_that_imports(package, text):
    found = {path.relative_to(package / "common").as_posix() for path in reached(package, text)}
    assert found - {"__init__.py"} == CASES[text]


def test_commands_reach_their_main_and_what_that_imports(package):
    found = reached(package, "```\npython -m common.a prepare\n```", "README.md")
    assert package / "common/a/cli.py" in found and package / "common/a/sources/here.py" in found
    assert package / "common/a/second.py" not in found


def test_imports_inside_functions_count(package):
    names = imported_names(package / "common/a/second.py", checkout=package)
    assert names == ["common.a.lazy.x"]


def test_data_of_reached_packages_go_along_those_of_others_do_not(package):
    first = reached(package, "x: common.a.first")
    assert data_files(first, checkout=package) == {package / "common/a/templates/page.html"}
    everything = reached(package, "python -m common.a", "README.md")
    assert package / "common/a/sources/table.csv" in data_files(everything, checkout=package)
