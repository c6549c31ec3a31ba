"""The folder of a bundle, from wherever a command is given."""

import sys
from pathlib import Path

import pytest

from common.bundle_root import bundle_root

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.parents[1].name for path in (ROOT / "bundles").glob("*/configs/metadata.json"))


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_of_the_checkout_is_found_from_everywhere(name, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    assert bundle_root(name) == f"bundles/{name}"
    monkeypatch.chdir(ROOT / "bundles" / name)
    assert bundle_root(name) == "."
    for elsewhere in (tmp_path, ROOT / "bundles" / next(other for other in NAMES if other != name)):
        monkeypatch.chdir(elsewhere)
        assert bundle_root(name) == str(ROOT / "bundles" / name)


@pytest.mark.parametrize("name", NAMES)
def test_each_bundle_leads_to_common(name):
    """MONAI's `run` puts a bundle's folder on the import path; there `common` is found as in an export."""
    assert (ROOT / "bundles" / name / "common").resolve() == ROOT / "common"


def test_an_exported_bundle_is_where_the_command_is_or_where_monai_found_it(monkeypatch, tmp_path):
    exported = tmp_path / "renamed"
    (exported / "configs").mkdir(parents=True)
    (exported / "configs" / "metadata.json").touch()
    monkeypatch.setattr("common.bundle_root.__file__", str(exported / "common" / "bundle_root.py"))
    monkeypatch.chdir(exported)
    assert bundle_root("hagan_128") == "."
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(exported), *sys.path])
    assert bundle_root("hagan_128") == str(exported)
