"""The zoo's checks, on exported bundles and on folders with one thing wrong each."""

import importlib
import json
import os
import shutil

import pytest

from common.checksums import write_checksums
from common.packaging.archive import all_files
from common.packaging.check import check_bundle
from common.packaging.check_files import check_files
from common.packaging.check_metadata import check_metadata
from common.packaging.check_style import check_style
from common.packaging.cli import main
from common.packaging.export import CHECKOUT, export_bundle
from common.packaging.finding import Finding, as_table, from_problems

BUNDLES = sorted(path.parents[1].name for path in (CHECKOUT / "bundles").glob("*/configs/metadata.json"))
QUICK = ("hagan_128",)
# change of a bundle → (check that fails, words of its note)
CHANGES = {
    "no licence": (lambda b: (b / "LICENSE").unlink(), "layout", "LICENSE is missing"),
    "no inference": (lambda b: (b / "configs/inference.yaml").unlink(), "layout", "configs/inference.yaml or .json"),
    "changed": (lambda b: (b / "LICENSE").write_text("mine\n"), "checksums", "LICENSE"),
    "large": (
        lambda b: os.truncate(b / "models/model.pt", 26 * 2**20 + 1),
        "files over 25 MB are listed",
        "27 MB and is",
    ),
    "no address": (
        lambda b: (b / "large_files.yml").write_text("large_files:\n- {path: models/model.pt, url: URL-OF/model.pt}\n"),
        "files over 25 MB are listed",
        "has no address",
    ),
    "white space": (lambda b: (b / "docs/README.md").write_text("# A \n"), "formatting", "docs/README.md:1 ends with"),
    "line ends": (lambda b: (b / "docs/README.md").write_bytes(b"# A\r\n"), "formatting", "docs/README.md:1 ends with"),
    "long": (lambda b: (b / "configs/a.yaml").write_text("a: " + "b" * 120 + "\n"), "formatting", "longer than 120"),
    "no YAML": (lambda b: (b / "configs/a.yaml").write_text("a: [\n"), "formatting", "cannot be parsed"),
    "indentation": (lambda b: (b / "configs/a.json").write_text('{"a": 1}\n'), "formatting", "not indented by 4"),
    "home": (lambda b: (b / "docs/README.md").write_text("see /home/jane/x\n"), "no absolute paths", "/home/jane"),
    "token": (lambda b: (b / "docs/a.md").write_text("hf_" + "a1" * 17 + "\n"), "no credentials", "docs/a.md:1"),
    "password": (lambda b: (b / "scripts/a.py").write_text('token = "abcdefgh123"\n'), "no credentials", "a.py:1"),
}


@pytest.fixture
def small(tmp_path):
    """A bundle that passes, as far as files tell."""
    bundle = tmp_path / "small"
    for name in ("configs", "docs", "models", "common", "scripts"):
        (bundle / name).mkdir(parents=True)
    for name in ("LICENSE", "configs/logging.conf", "docs/README.md", "docs/data_license.txt", "common/__init__.py"):
        (bundle / name).write_text("text\n")
    (bundle / "models/model.pt").write_bytes(b"weights")
    (bundle / "configs/inference.yaml").write_text("run: [$1]\n")
    (bundle / "configs/metadata.json").write_text('{\n    "version": "1"\n}\n')
    write_checksums(bundle)
    return bundle


def failed(findings):
    return {finding.check: finding.note for finding in findings if finding.status == "FAILED"}


def test_a_whole_bundle_passes_the_checks_of_files(small):
    assert failed(check_files(small)) == {}


@pytest.mark.parametrize("change", CHANGES)
def test_each_thing_wrong_is_found(small, change):
    apply, check, words = CHANGES[change]
    apply(small)
    assert words in failed(check_files(small))[check]


def test_style_is_what_the_zoos_tools_say(small, tmp_path, monkeypatch):
    """Modules stand in for the tools: one that has nothing to say, one that has, and one that is missing."""
    monkeypatch.setattr("common.packaging.check_style._TOOLS", {"quiet_tool": (), "loud_tool": ("--check",)})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    assert check_style(small).status == "not checked" and "quiet_tool, loud_tool" in check_style(small).note
    (tmp_path / "quiet_tool.py").touch()
    (tmp_path / "loud_tool.py").write_text(
        "import os, sys\nsys.exit(f'{sys.argv[1:]} {os.path.basename(os.getcwd())}')\n"
    )
    importlib.invalidate_caches()
    assert check_style(small) == Finding("code style", "FAILED", "loud_tool ['--check', '.'] small")


def test_credentials_are_not_repeated(small):
    token = "hf_" + "a1" * 17
    (small / "docs/a.md").write_text(f"{token}\n")
    assert token not in str(check_files(small))


def test_metadata_and_keys_of_configs(small, tmp_path):
    (small / "configs/train.yaml").write_text("train: {trainer: {handlers: [{_target_: ValidationHandler}]}}\n")
    notes = failed(check_metadata(small))
    assert "schema is missing; changelog is missing" in notes["metadata keys"]
    assert notes["changelog"] == "no entry of version 1"
    assert notes["config keys"].startswith("configs/inference.yaml has no bundle_root")
    info = tmp_path / "model_info.json"
    for listed, status in (({"small_v1": {}}, "FAILED"), ({"small_v2": {}, "other_v1": {}}, "passed")):
        info.write_text(json.dumps(listed))
        found = {finding.check: finding.status for finding in check_metadata(small, model_info=info)}
        assert found["version is new in the zoo"] == status


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.release) for name in BUNDLES]
)
def test_exported_bundles_pass_everything(name, shipped, phantom_dir, tmp_path):
    bundle = shipped(name)
    before = {path: path.read_bytes() for path in all_files(bundle)}
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"type": "object", "required": ["version", "task"]}))
    findings = check_bundle(bundle, schema=schema, dataset_dir=phantom_dir)
    assert failed(findings) == {}
    unchecked = {finding.check: finding.note for finding in findings if finding.status == "not checked"}
    assert unchecked.pop("code style", "the model zoo's tools").startswith("the model zoo's tools")
    assert unchecked.pop("version is new in the zoo").startswith("no model_info.json")
    assert unchecked.pop("metadata schema", "MONAI needs the package jsonschema") and not unchecked
    assert {path: path.read_bytes() for path in all_files(bundle)} == before


def test_the_command_line_prints_a_table_and_fails_where_something_did(forked_probe, tmp_path, capsys):
    """The bundle of the repository that ships weights, broken in two ways that only running it shows."""
    export_bundle("evaluation", tmp_path)
    bundle = tmp_path / "evaluation"
    path = bundle / "configs" / "metadata.json"
    path.write_text(path.read_text().replace('"num_channels": 7', '"num_channels": 8'))
    shutil.rmtree(bundle / "common" / "engines")
    write_checksums(bundle)
    with pytest.raises(SystemExit) as error:
        main(["check", str(bundle)])
    assert error.value.code == 1
    rows = [
        [cell.strip() for cell in line.split("|")[1:4]] for line in capsys.readouterr().out.splitlines() if "|" in line
    ]
    found = {row[0]: row[1:] for row in rows}
    assert found["names in configs"][0] == "FAILED" and "common.engines.draw_sampler" in found["names in configs"][1]
    assert found["network_data_format"] == ["FAILED", "ValueError: output channel number `7` doesn't match: `8`."]
    assert found["metadata schema"][0] == found["workflow properties"][0] == "not checked"
    assert found["TorchScript"] == ["passed", "largest difference from eager 0.0e+00"]


def test_tables_count_and_shorten():
    findings = [Finding("a", "passed"), from_problems("b", list("vwxyz")), Finding("c", "not checked", "why")]
    lines = as_table(findings, title="name").splitlines()
    assert lines[0] == "name" and lines[-1] == "1 passed, 1 FAILED, 1 not checked"
    assert "| v; w; x, and 2 more |" in lines[5]
