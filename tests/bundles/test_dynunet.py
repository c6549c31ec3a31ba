"""The overlay dynunet.yaml: training, inference and evaluation with the second network, at a tiny size."""

import csv
import json
import logging
from pathlib import Path

import nibabel as nib
import pytest
import torch
from monai.bundle import ConfigParser

from common.data.datalist import read_datalist, select_cases

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "bundles" / "segresnet_auto3dseg" / "configs"
KINDS = {"train": "train", "inference": "infer", "evaluate": "infer"}
STRIDES = [[1, 1, 1], [2, 2, 2], [2, 2, 2], [2, 2, 1]]  # of smoke.yaml's 32×32×16 voxels at 9 mm


@pytest.fixture(scope="module")
def workflow(run_workflow, phantom_dir, tmp_path_factory):
    """Function (train, inference or evaluate, overlays, **overrides) that runs a workflow and returns its folder."""

    def run(name, overlays=("dynunet",), **overrides):
        options = {"output_dir": str(tmp_path_factory.mktemp(name)), "dataset_dir": str(phantom_dir), **overrides}
        options |= {"filters": 4} if "dynunet" in overlays else {}
        return run_workflow("segresnet_auto3dseg", [name, *overlays, "smoke"], workflow_type=KINDS[name], **options)

    return run


@pytest.fixture(scope="module")
def models(workflow):
    """Model files of the two networks, trained for an epoch."""
    dynunet, segresnet = (workflow("train", overlays, max_epochs=1) for overlays in (("dynunet",), ()))
    return {"dynunet": dynunet / "model.pt", "segresnet_ds": segresnet / "model.pt"}


def content(path):
    return torch.load(path, weights_only=True)


def merged(name, *overlays):
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / f"{part}.yaml") for part in (name, *overlays)])
    return parser.config


def test_the_model_file_says_what_rebuilds_the_network(models):
    ours, other = (content(models[name])["settings"] for name in ("dynunet", "segresnet_ds"))
    assert ours["network"] == "dynunet"
    assert ours["strides"] == STRIDES and ours["kernels"] == [[3, 3, 3]] * 4
    assert ours["filters"] == 4 and ours["dsdepth"] == 2
    shared = {"spacing", "hu_window", "centre_bounds", "crop", "roi_size", "binary_mask", "label_names", "dsdepth"}
    assert {name: ours[name] for name in shared} == {name: other[name] for name in shared}
    assert set(other) == {*shared, "network", "init_filters", "blocks_down", "norm"}


def test_inference_and_evaluation_of_what_was_trained(workflow, models, phantom_dir):
    cases = select_cases(read_datalist(phantom_dir / "datalist.json"), folds="testing", dataset_dir=phantom_dir)
    checkpoint = str(models["dynunet"])
    masks = workflow("inference", checkpoint=checkpoint) / "labels"
    scores = workflow("evaluate", checkpoint=checkpoint)
    with (scores / "cases.csv").open() as file:
        assert sorted(row["case_id"] for row in csv.DictReader(file)) == sorted(case["case_id"] for case in cases)
    assert json.loads((scores / "metrics.json").read_text())["scores"]["foreground"]["cases"] == len(cases)
    for case in cases:
        assert nib.load(masks / f"{case['case_id']}.nii.gz").shape == nib.load(case["image"]).shape


@pytest.mark.parametrize("name", ["inference", "evaluate"])
@pytest.mark.parametrize(
    ("network", "overlays"), [("segresnet_ds", ("dynunet",)), ("dynunet", ())], ids=["overlay", "no overlay"]
)
def test_weights_of_the_other_network_are_refused(workflow, models, name, network, overlays, causes):
    with pytest.raises(RuntimeError) as error:
        workflow(name, overlays, checkpoint=str(models[network]))
    assert f"{models[network]} holds the weights of a network '{network}'" in causes(error)


def test_fine_tuning_or_ensembling_the_other_network_says_what_differs(workflow, models, causes):
    with pytest.raises(RuntimeError) as error:
        workflow("train", init_from=str(models["segresnet_ds"]))
    assert "network: found 'segresnet_ds', expected 'dynunet'" in causes(error)
    with pytest.raises(RuntimeError) as error:
        workflow("evaluate", checkpoint=[str(models[name]) for name in ("dynunet", "segresnet_ds")])
    assert "network: found 'segresnet_ds', expected 'dynunet'" in causes(error)


def test_another_patch_that_plans_another_network_is_refused(workflow, models, causes):
    """roi_size alone may differ between two trainings; what it makes of the network may not."""
    with pytest.raises(RuntimeError) as error:
        workflow("train", init_from=str(models["dynunet"]), roi_size=[32, 32, 32])
    assert f"strides: found {STRIDES}, expected {[*STRIDES[:3], [2, 2, 2]]}" in causes(error)


def test_inference_without_weights_says_how_to_get_them(workflow, tmp_path, causes):
    with pytest.raises(RuntimeError) as error:
        workflow("inference", checkpoint=str(tmp_path / "none.pt"))
    assert "run training" in causes(error)


@pytest.mark.parametrize("name", KINDS)
def test_the_overlay_changes_the_network_alone(name, caplog, recwarn):
    """Every key that the configs share is as it was; none has to be merged, which MONAI warns of where it is not."""
    with caplog.at_level(logging.WARNING):
        plain, changed = merged(name), merged(name, "dynunet")
    assert {key for key in plain if plain[key] != changed[key]} <= {"network_def", "network_settings"}
    assert [str(w.message) for w in recwarn if "merge" in str(w.message)] == []
