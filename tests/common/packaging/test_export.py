"""Exported bundles: what is in them, that they are the same each time, and that they work where nothing else is."""

import json
import shutil
import subprocess
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from common.files import parse_yaml
from common.networks.model_file import read_model_file, weights_sha256, write_model_file
from common.packaging.archive import all_files, wrong_sums
from common.packaging.cli import main
from common.packaging.export import CHECKOUT, export_bundle
from common.packaging.relocate import workflow_ids

BUNDLES = sorted(path.parents[1].name for path in (CHECKOUT / "bundles").glob("*/configs/metadata.json"))
LEFT = {"evaluation": "labels", "segresnet_auto3dseg": "labels"}  # of an inference; the others leave a generated set


@pytest.mark.parametrize("name", BUNDLES)
def test_an_exported_bundle_trains_and_infers_without_the_checkout(name, dist, used):
    done, out = used(name)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == str((dist / name / "common" / "__init__.py").resolve())
    assert (out / "train" / "model.pt").is_file()
    assert (out / "inference" / LEFT.get(name, "provenance.json")).exists()


def test_exporting_twice_gives_the_same_bytes(dist, tmp_path):
    for name in ("evaluation", "segresnet_auto3dseg"):  # with a model, with scripts
        archive = export_bundle(name, tmp_path)
        assert archive.read_bytes() == (dist / archive.name).read_bytes()
        first = {path.relative_to(dist): path.read_bytes() for path in all_files(dist / name)}
        assert {path.relative_to(tmp_path): path.read_bytes() for path in all_files(tmp_path / name)} == first


@pytest.mark.parametrize("name", BUNDLES)
def test_the_archive_holds_the_folder_and_nothing_of_the_rest(name, dist):
    with zipfile.ZipFile(dist / f"{name}_v0.1.0.zip") as archive:
        names = set(archive.namelist())
    assert {
        f"{name}/{part}" for part in ("LICENSE", "SHA256SUMS", "docs/data_license.txt", "common/_common.json")
    } < names
    tops = {Path(entry).parts[1] for entry in names}
    assert tops <= {"LICENSE", "SHA256SUMS", "common", "configs", "docs", "models", "scripts", "large_files.yml"}
    assert not [entry for entry in names if "__pycache__" in entry or "/." in entry or "packaging" in entry]


def test_all_bundles_of_a_release_carry_the_same_common(dist):
    folders = [dist / name / "common" for name in BUNDLES]
    contents = [{path.relative_to(f): path.read_bytes() for path in all_files(f)} for f in folders]
    assert all(content == contents[0] for content in contents)
    assert {"page.html", "parameters.yaml", "study.js", "welcome.html"} < {path.name for path in contents[0]}


def test_sums_are_those_that_sha256sum_reads_and_find_a_change(dist, tmp_path):
    folder = shutil.copytree(dist / "hagan_256", tmp_path / "hagan_256")
    assert wrong_sums(folder) == []
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    (folder / "LICENSE").write_text("mine")
    (folder / "new.txt").write_text("")
    assert wrong_sums(folder) == ["LICENSE", "new.txt"]


@pytest.mark.parametrize("name", BUNDLES)
def test_configs_mean_what_they_meant(name, dist):
    """Equal but for paths, and a first line of each workflow that compares the release."""
    source, target = CHECKOUT / "bundles" / name / "configs", dist / name / "configs"
    paths = sorted(path.relative_to(source) for path in source.rglob("*.yaml"))
    assert paths == sorted(path.relative_to(target) for path in target.rglob("*.yaml"))
    for path in paths:
        text = (source / path).read_text().replace(f"bundles/{name}/", "").replace("bundles/", "../")
        before, after = parse_yaml(text), parse_yaml((target / path).read_text())
        if "bundle_root" in before:
            before["bundle_root"] = parse_yaml((source / path).read_text())["bundle_root"]
        for key in workflow_ids(text):
            assert after[key].pop(0).startswith("$require_same_common('0.1.0', '")
        if workflow_ids(text) and "imports" in before:
            assert after["imports"].pop(0) == "$from common.same_common import require_same_common"
        assert after == before


def test_monai_label_gets_training_and_overlay_as_one_file(dist):
    """MONAI Label sets cases, epochs and device by name, and lets `run` do the rest."""
    configs = dist / "segresnet_auto3dseg" / "configs"
    merged, plain = (ConfigParser.load_config_file(configs / f"train.{suffix}") for suffix in ("json", "yaml"))
    assert merged["training"] == plain["training"] and merged["run"] == "@training"
    assert merged["train"]["handlers"] == plain["train"]["handlers"]
    assert (merged["train"]["dataset"]["data"], merged["validate"]["dataset"]["data"]) == ([], [])
    assert merged["model_file"] == "$@bundle_root + '/models/model.pt'" != plain["model_file"]
    assert not (dist / "hagan_128" / "configs" / "train.json").exists()


@pytest.mark.parametrize("name", BUNDLES)
def test_metadata_pin_what_is_installed_and_all_that_is_imported(name, dist):
    before, after = (
        json.loads((folder / name / "configs/metadata.json").read_text()) for folder in (CHECKOUT / "bundles", dist)
    )
    changed = {"required_packages_version", "network_data_format", "weights"}  # the last two: of shipped weights
    assert {key: value for key, value in after.items() if key not in changed} == {
        key: value for key, value in before.items() if key not in changed
    }
    pins = after["required_packages_version"]
    assert before["required_packages_version"].keys() <= pins.keys()
    assert pins == {package: version(package).split("+")[0] for package in pins}
    assert {"monai", "torch", "numpy"}.isdisjoint(pins)


def test_a_model_goes_in_as_a_bare_state_dict_with_the_rest_beside_it(tmp_path):
    trained = tmp_path / "trained" / "model.pt"
    network = torch.nn.Linear(3, 2)
    write_model_file(trained, network, settings={"size": (3, 2)}, training={"case_ids": ["a"], "spacing": [1, 1, 2]})
    export_bundle(
        "hagan_128", tmp_path / "dist", model=trained, large_file_bytes=500, large_files_url="https://x.org/f/"
    )
    shipped = tmp_path / "dist" / "hagan_128" / "models" / "model.pt"
    network.load_state_dict(torch.load(shipped, weights_only=True))
    content, before = read_model_file(shipped), read_model_file(trained)
    assert content["settings"] == {"size": [3, 2]} and content["training"] == before["training"]
    assert all(torch.equal(content["model"][key], before["model"][key]) for key in before["model"])
    assert weights_sha256(shipped) == weights_sha256(trained)
    listed = {
        file["path"]: file for file in parse_yaml((shipped.parents[1] / "large_files.yml").read_text())["large_files"]
    }
    entry = listed["models/model.pt"]
    assert entry["url"] == "https://x.org/f/models/model.pt" and entry["hash_type"] == "sha256"
    assert f"{entry['hash_val']}  models/model.pt" in (shipped.parents[1] / "SHA256SUMS").read_text()


@pytest.mark.parametrize("command", [("export", "--output", "dist"), ("onnx", "--output", "x.onnx"), ("check",)])
def test_a_model_of_another_bundle_is_refused(command, tmp_path, monkeypatch):
    """Its network is another, and the export could not be run."""
    monkeypatch.chdir(tmp_path)
    trained = tmp_path / "model.pt"
    bundle = {"name": "segresnet_auto3dseg", "version": "0.1.0"}
    write_model_file(trained, torch.nn.Linear(3, 2), settings={}, training={"bundle": bundle, "spacing": [1, 1, 1]})
    name, *options = command
    with pytest.raises(SystemExit) as error:
        main([name, "hagan_128", *options, "--model", str(trained)])
    words = "model.pt was trained by segresnet_auto3dseg, expected a model of hagan_128: name another --model"
    assert words in str(error.value)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["model.pt"]


def test_both_sizes_of_a_network_take_each_others_models(tmp_path):
    bundle = {"name": "hagan_256", "version": "0.1.0"}
    write_model_file(
        tmp_path / "model.pt", torch.nn.Linear(3, 2), settings={}, training={"bundle": bundle, "spacing": [1, 1, 1]}
    )
    export_bundle("hagan_128", tmp_path / "dist", model=tmp_path / "model.pt")
    assert (tmp_path / "dist" / "hagan_128" / "models" / "model.pt").is_file()


def test_what_stands_in_the_way_is_left_alone(tmp_path, capsys):
    (tmp_path / "hagan_128").mkdir()
    (tmp_path / "hagan_128" / "thesis.txt").write_text("mine")
    for arguments, message in (
        (["hagan_128"], "is no earlier export"),
        (["hagan_512"], "no bundle 'hagan_512' in"),
        (["hagan_256", "--model", str(tmp_path / "none.pt")], "no trained model at"),
    ):
        with pytest.raises(SystemExit) as error:
            main(["export", *arguments, "--output", str(tmp_path)])
        assert message in str(error.value)
    assert [path.name for path in tmp_path.rglob("*")] == ["hagan_128", "thesis.txt"]
