"""The embedded synthetic set, on a tiny release that `released` makes."""

import json

import nibabel as nib
import pytest

from common.checksums import verify_checksums, write_checksums
from common.data.choose_real import RealOptions
from common.data.cli import main, prepare
from common.data.datalist import generator_cases, read_datalist, select_cases
from common.data.generated_set import read_generated_set
from common.data.leakage import LeakageError, check_leakage, seen_cases
from common.data.sources.synthetic import prepare_synthetic
from common.data.training_mix import training_mix
from common.data.training_record import training_record


@pytest.fixture
def release(released):
    folder = released(10)
    write_checksums(folder)
    return folder


@pytest.fixture
def prepared(release, tmp_path):
    prepare("synthetic", str(tmp_path / "data"), set_dir=str(release), folds=2)
    return tmp_path / "data"


def test_a_data_list_with_splits_and_the_sets_own_labels(prepared):
    content = read_datalist(prepared / "datalist.json")
    assert len(content["training"]) == 8 and len(content["testing"]) == 2
    assert {entry["fold"] for entry in content["training"]} == {0, 1}
    assert content["labels"] == {"0": "background", "1": "tumour"}
    entry = content["training"][0]
    assert nib.load(prepared / entry["image"]).shape == nib.load(prepared / entry["label"]).shape == (32, 32, 16)


def test_it_is_a_whole_generated_set_too(prepared, release):
    assert len(verify_checksums(prepared)) == 22
    assert read_generated_set(prepared).training_ids == {"p1", "p2"}
    for name in ("provenance.json", "SHA256SUMS", "dataset.json"):
        assert (prepared / name).read_bytes() == (release / name).read_bytes()


def test_it_may_be_repeated(prepared, release):
    times = {path: path.stat().st_mtime_ns for path in prepared.rglob("*.nii.gz")}
    prepare("synthetic", str(prepared), set_dir=str(release), folds=2)
    assert {path: path.stat().st_mtime_ns for path in prepared.rglob("*.nii.gz")} == times


def test_entries_say_that_they_are_generated_and_from_what(prepared):
    content = read_datalist(prepared / "datalist.json")
    assert all(entry["generated"] for entry in [*content["training"], *content["testing"]])
    assert content["generator_case_ids"] == ["p1", "p2"]
    cases = select_cases(content, folds="everything", dataset_dir=prepared)
    assert generator_cases(cases) == ["p1", "p2"]


def test_a_gan_trained_on_it_carries_the_real_cases_on(prepared, tmp_path):
    cases = select_cases(read_datalist(prepared / "datalist.json"), dataset_dir=prepared)
    volumes = [{"spacing": [1, 1, 1]}] * len(cases)
    record = training_record(bundle={}, cases=cases, list_hash="", dataset=volumes, seed=0)
    assert len(record["case_ids"]) == 8 and record["generator_case_ids"] == ["p1", "p2"]
    second = prepared.parent / "second"
    second.mkdir()
    for name in ("images", "labels", "dataset.json"):
        (second / name).symlink_to(prepared / name)
    provenance = json.loads((prepared / "provenance.json").read_text())
    (second / "provenance.json").write_text(json.dumps({**provenance, "training": record}))
    with pytest.raises(LeakageError, match="trained on 1 of the 1 held-out cases"):
        check_leakage(read_generated_set(second), held_out=["p1"])


def test_a_segmenter_trained_on_it_has_seen_the_real_cases(prepared):
    training = training_mix(RealOptions(datalist=prepared / "datalist.json", fold=0)).describe()
    assert {"p1", "p2"} < seen_cases(training)
    assert len(training["case_ids"]) == training["counts"]["real"]


def test_a_damaged_set_is_refused(release, tmp_path):
    path = release / "images" / "synthetic_00000.nii.gz"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"1 of 22 files are missing or not as SHA256SUMS says, such as images/"):
        prepare_synthetic(tmp_path / "data", set_dir=release)


def test_a_checkout_without_the_set_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("common.data.sources.synthetic.EMBEDDED", tmp_path / "synthetic")
    with pytest.raises(SystemExit) as error:
        main(["prepare", "--source", "synthetic", "--output", str(tmp_path / "data")])
    assert f"error: no synthetic set at {tmp_path / 'synthetic'}" in str(error.value)
    assert "make one with `run dataset`" in str(error.value)
