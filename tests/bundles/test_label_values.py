"""Masks of other values than 0, 1, 2: classes inside, the list's values in every file that is written."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from common.data.cli import check, prepare
from common.data.datalist import read_datalist, select_cases
from common.data.label_map import read_classes
from common.data.studies import write_studies
from common.runs.auto3dseg import Auto3DSegRun

ROOT = Path(__file__).parents[2]
TABLES = {"0/255": [0, 255, 255], "0/1/5": [0, 1, 5], "0/7": [0, 7, 7]}  # value of the phantom's labels 0, 1, 2


@pytest.fixture(scope="module", params=TABLES)
def listed(request, phantom_dir, tmp_path_factory):
    """Values, and folder of the phantom's cases with masks of these values, prepared and checked as a user does."""
    table = TABLES[request.param]
    values, source, folder = sorted(set(table)), tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("listed")
    (source / "labels").mkdir()
    (source / "images").symlink_to(phantom_dir / "images")
    for path in sorted((phantom_dir / "labels").glob("*.nii.gz")):
        mask = nib.load(path)
        nib.save(nib.Nifti1Image(np.array(table, np.uint8)[mask.dataobj], mask.affine), source / "labels" / path.name)
    prepare("pairs", str(folder), input=str(source), labels=values, folds=2)
    check(str(folder / "datalist.json"))
    return values, folder


@pytest.fixture(scope="module")
def generated(listed, run_workflow, tmp_path_factory):
    """Folders of a training of pairs on one fold, and of the pairs that it makes."""
    out = tmp_path_factory.mktemp("gan")
    options = {"dataset_dir": str(listed[1]), "folds": [1], "max_steps": 1, "cache_dir": str(out / "cache")}
    run_workflow("hagan_128", ["train", "smoke"], output_dir=str(out / "train"), **options)
    made = {"checkpoint": str(out / "train" / "model.pt"), "output_dir": str(out / "made"), "num_samples": 3}
    run_workflow("hagan_128", ["inference", "smoke"], workflow_type="infer", pictures="small", **made)
    return out / "train", out / "made"


@pytest.fixture(scope="module")
def segmenter(listed, generated, run_workflow, tmp_path_factory):
    """Folder of a training on real cases and those pairs, of all labels."""
    out = tmp_path_factory.mktemp("segmenter")
    options = {"dataset_dir": str(listed[1]), "generated_dir": str(generated[1]), "binary_mask": False}
    options |= {"max_epochs": 1, "epoch_steps": 1, "generated_count": 3, "output_dir": str(out)}
    return run_workflow("segresnet_auto3dseg", ["train", "smoke"], **options)


def held(folder):
    """All values of the mask files in a folder."""
    return sorted({int(value) for path in folder.glob("*.nii.gz") for value in np.unique(nib.load(path).dataobj)})


def settings(folder):
    return torch.load(folder / "model.pt", weights_only=True)["settings"]


def test_generated_masks_hold_the_values_of_the_list(listed, generated):
    values, folder = listed
    names = read_datalist(folder / "datalist.json")["labels"]
    assert settings(generated[0])["labels"] == len(values)
    assert settings(generated[0])["label_names"] == names
    assert read_datalist(generated[1] / "dataset.json")["labels"] == names
    found = held(generated[1] / "labels")
    assert len(found) > 1 and set(found) <= set(values)


def test_a_segmenter_takes_the_pairs_and_writes_the_values(listed, segmenter, run_workflow, tmp_path):
    values, folder = listed
    assert [int(value) for value in settings(segmenter)["label_names"]] == values
    options = {"dataset_dir": str(folder), "checkpoint": str(segmenter / "model.pt"), "workflow_type": "infer"}
    for name in ("inference", "evaluate"):
        out = run_workflow("segresnet_auto3dseg", [name, "smoke"], output_dir=str(tmp_path / name), **options)
        assert set(held(out / "labels")) <= set(values)
    with (tmp_path / "evaluate" / "cases.csv").open() as file:
        row = next(csv.DictReader(file))
    regions = {column.split("/")[0] for column in row if "/" in column}
    assert regions == {"foreground", *(f"label_{value}" for value in values[1:])}
    mask, found = (
        np.asarray(nib.load(f / "labels" / f"{row['case_id']}.nii.gz").dataobj) for f in (folder, tmp_path / "evaluate")
    )
    for value in values[1:]:
        assert float(row[f"label_{value}/truth_voxels"]) == np.sum(mask == value)
        assert float(row[f"label_{value}/prediction_voxels"]) == np.sum(found == value)


def test_joined_foreground_is_the_first_value_of_the_list(listed, segmenter, run_workflow, tmp_path):
    """A segmenter of one foreground, whose weights are set to see nothing else."""
    values, folder = listed
    options = {"dataset_dir": str(folder), "max_epochs": 1, "epoch_steps": 1}
    out = run_workflow("segresnet_auto3dseg", ["train", "smoke"], output_dir=str(tmp_path / "train"), **options)
    content = torch.load(out / "model.pt", weights_only=True)
    assert list(content["settings"]["label_names"]) == ["0", str(values[1])]
    for name, weights in content["model"].items():
        if weights.shape == (2,):  # the biases of the heads
            content["model"][name] = torch.tensor([-1e4, 1e4])
    torch.save(content, out / "model.pt")
    options = {"dataset_dir": str(folder), "checkpoint": str(out / "model.pt"), "workflow_type": "infer"}
    out = run_workflow("segresnet_auto3dseg", ["inference", "smoke"], output_dir=str(tmp_path / "masks"), **options)
    assert values[1] in held(out / "labels") and set(held(out / "labels")) <= {0, values[1]}


def test_an_evaluation_scores_the_pairs_by_value(listed, generated, segmenter, run_workflow, tmp_path):
    values, folder = listed
    options = {"dataset_dir": str(folder), "generated_dir": str(generated[1]), "folds": "everything"}
    options |= {"extractor": "medicalnet", "depth": 10, "allow_untrained": True, "sections": ["masks", "consistency"]}
    overrides = {"checkpoint": str(segmenter / "model.pt"), "num_workers": 0}
    options |= {"segmenter": "bundles/segresnet_auto3dseg", "segmenter_overrides": overrides, "segmenter_cases": 1}
    out = run_workflow("evaluation", ["evaluate", "smoke"], output_dir=str(tmp_path / "out"), **options)
    metrics = json.loads((out / "metrics.json").read_text())
    names = json.dumps(metrics)
    for value in values[1:]:
        assert f"mask/label_{value}/present" in names
        assert f"consistency/label_{value}" in names
    assert ("label_2/" in names) == (2 in values)


def test_a_reader_study_and_studies_to_label_count_classes(listed, generated, tmp_path, monkeypatch):
    values, folder = listed
    classes, path = set(range(len(values))), ROOT / "bundles" / "evaluation" / "configs" / "reader_study.yaml"
    monkeypatch.chdir(ROOT)
    parser = ConfigParser(ConfigParser.load_config_file(path))
    options = {"dataset_dir": str(folder), "generated_dir": str(generated[1]), "spacing": [6, 6, 6], "folds": "all"}
    parser.update({"_meta_": {"version": "0"}, **options})
    assert list(parser.get_parsed_content("settings")["labels"]) == [str(number) for number in sorted(classes)]
    for side, data in (("real", "prepared::real"), ("generated", "prepared::generated")):
        read = parser.get_parsed_content(f"deterministic_transforms::{side}")
        found = {int(v) for case in parser.get_parsed_content(data) for v in read(dict(case))["label"].unique()}
        assert {0, 1} <= found <= classes
    write_studies(folder, tmp_path / "studies")
    assert set(held(tmp_path / "studies" / "labels" / "final")) == classes


def test_auto3dseg_scores_its_ensembles_classes_by_value(listed, tmp_path):
    """The ensemble's files hold classes, which Auto3DSeg counts in; here they are the truth's."""
    values, folder = listed
    given = SimpleNamespace(source="ours", settings={})
    run = Auto3DSegRun(
        folder / "datalist.json", dataset_dir=folder, output_dir=tmp_path, template=given, binary_mask=False
    )
    (tmp_path / "ensemble_output" / "images").mkdir(parents=True)
    for case in select_cases(run.datalist, folds="testing", dataset_dir=folder):
        mask = nib.Nifti1Image(read_classes(case).astype(np.uint8), nib.load(case["label"]).affine)
        nib.save(mask, tmp_path / "ensemble_output" / "images" / f"{case['case_id']}_ensemble.nii.gz")
    scores = run._score()
    assert set(scores) == {"foreground", *(f"label_{value}" for value in values[1:])}
    assert all(row["dice"]["value"] == 1 for row in scores.values())
