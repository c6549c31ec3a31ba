"""HA-GAN conditioned on centre or label presence: training, generation, and what is refused."""

import json

import pytest
import torch

from common.data.datalist import read_datalist


@pytest.fixture
def workflow(run_workflow, phantom_dir, tmp_path):
    """Function (train or inference, *overlays, **overrides) -> output folder of a tiny run."""

    def run(name, *overlays, bundle="hagan_128", **overrides):
        options = {"output_dir": str(tmp_path / name)}
        options |= {"dataset_dir": str(phantom_dir)} if name == "train" else {}
        kind = {"train": "train", "inference": "infer"}[name]
        return run_workflow(bundle, [name, *overlays, "smoke"], workflow_type=kind, **{**options, **overrides})

    return run


def described(folder):
    return torch.load(folder / "model.pt", weights_only=True)["settings"]["conditions"]


def conditions_of(folder):
    content = read_datalist(folder / "dataset.json")["training"]
    assert {entry["centre"] for entry in content} == {"generated"}
    listed = [entry["condition"] for entry in content]
    assert listed == [case["condition"] for case in json.loads((folder / "provenance.json").read_text())["cases"]]
    return listed


@pytest.mark.parametrize(
    ("bundle", "overlays", "options"),
    [
        ("hagan_128", ["diff_augment"], {"condition_on": "centre", "ada_target": None}),
        ("hagan_256", [], {"condition_on": "labels", "conditioning": "projection", "ema": 0.9}),
    ],
)
def test_each_condition_trains_and_generates(workflow, phantom_dir, causes, tmp_path, bundle, overlays, options):
    trained = workflow("train", "conditional", *overlays, bundle=bundle, pictures="small", **options)
    found = described(trained)
    if options["condition_on"] == "centre":
        cases = read_datalist(phantom_dir / "datalist.json")["training"]
        assert found["names"] == sorted({case["centre"] for case in cases})
    else:
        assert set(found["names"]) <= {"tumour", "lymph node", "tumour + lymph node"}
    assert sum(found["shares"]) == pytest.approx(1)
    options = {"bundle": bundle, "checkpoint": str(trained / "model.pt")}
    drawn = conditions_of(workflow("inference", num_samples=6, pictures="small", **options))
    assert len(drawn) == 6 and set(drawn) <= set(found["names"])
    name = found["names"][-1]
    alone = workflow("inference", condition=name, output_dir=str(tmp_path / "alone"), **options)
    assert conditions_of(alone) == [name] * 2
    with pytest.raises(RuntimeError) as error:
        workflow("inference", condition="Oslo", **options)
    assert "condition is 'Oslo', expected a" in causes(error)


def test_an_unconditional_model_takes_no_condition(workflow, causes):
    trained = workflow("train")
    assert "conditions" not in torch.load(trained / "model.pt", weights_only=True)["settings"]
    with pytest.raises(RuntimeError) as error:
        workflow("inference", checkpoint=str(trained / "model.pt"), condition="CHUM")
    assert "this model was trained without classes" in causes(error)


def test_a_conditional_run_goes_on_bit_equal_and_not_with_another_condition(
    workflow, causes, newest_state, assert_same, tmp_path
):
    options = {"augment_cutout": 0.25, "ada_target": None, "checkpoint_interval": 10, "preview_interval": 10}
    overlays = ["conditional", "diff_augment"]
    whole = workflow("train", *overlays, output_dir=str(tmp_path / "whole"), max_steps=4, **options)
    workflow("train", *overlays, max_steps=2, **options)
    resumed = workflow("train", *overlays, max_steps=4, **options)
    assert_same(newest_state(whole), newest_state(resumed))
    with pytest.raises((ValueError, RuntimeError)) as error:
        workflow("train", *overlays, max_steps=5, condition_on="labels", **options)
    assert "was made with other settings" in causes(error)


def test_classes_go_with_augmentation_of_each_draw(workflow):
    ranges = {f"{kind}_translation": [4, 4, 1] for kind in ("affine", "elastic")}
    ranges |= {"elastic_sigma": [2, 3], "elastic_magnitude": [10, 20]}
    assert described(workflow("train", "conditional", "augment", **ranges))["by"] == "centre"
