"""The workflows of segresnet_auto3dseg run for real, at a tiny size."""

import csv
import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from common.data.datalist import read_datalist, select_cases
from common.runs.bundle_predictions import predict_masks

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "bundles" / "segresnet_auto3dseg"
KINDS = {"train": "train", "inference": "infer", "evaluate": "infer"}
# overrides of one tiny training, each a switch that users turn
SWITCHES = {
    "several labels": {"binary_mask": False},
    "bf16": {"amp": "bf16"},
    "float32": {"amp": "off"},
    "another window, half of the cases, RAM": {"hu_window": [-200, 300], "real_fraction": 0.5, "cache": "ram"},
    "no validation": {"fold": None},
    "last epoch between validations": {"val_interval": 3, "epoch_steps": 1},
}


@pytest.fixture(scope="module")
def workflow(run_workflow, phantom_dir, tmp_path_factory):
    """Function (train, inference or evaluate, **overrides) that runs a workflow with the smoke overlay here."""

    def run(name, **overrides):
        options = {"output_dir": str(tmp_path_factory.mktemp(name)), "dataset_dir": str(phantom_dir), **overrides}
        return run_workflow("segresnet_auto3dseg", [name, "smoke"], workflow_type=KINDS[name], **options)

    return run


@pytest.fixture(scope="module")
def trained(workflow):
    """Output folder of a tiny training, shared."""
    return workflow("train", pictures="small")


def rows(path):
    with path.open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def model(folder):
    return torch.load(folder / "model.pt", weights_only=True)


def test_training_leaves_what_the_readme_promises(trained):
    for name in ("model.pt", "losses.csv", "losses.png", "validation.csv"):
        assert (trained / name).is_file(), name
    assert list(trained.glob("events.*"))
    assert [row["epoch"] for row in rows(trained / "validation.csv")] == [1, 2]
    best = max(rows(trained / "validation.csv"), key=lambda row: row["dice"])
    assert model(trained)["training"]["dice"] == pytest.approx(best["dice"], abs=1e-6)
    assert model(trained)["training"]["epoch"] == best["epoch"]


def test_the_model_file_says_what_it_was_trained_on(trained, phantom_dir):
    training, settings = model(trained)["training"], model(trained)["settings"]
    listed = read_datalist(phantom_dir / "datalist.json")
    assert training["case_ids"] == sorted(e["case_id"] for e in listed["training"] if e["fold"] != 0)
    assert set(training["held_out"]) >= {e["case_id"] for e in listed["testing"]}
    assert training["counts"] == {"real": 4, "generated": 0, "validation": 4}
    assert settings["label_names"] == {"0": "background", "1": "tumour or lymph node"}
    assert settings["blocks_down"] == [1, 1, 1]


@pytest.mark.parametrize("switch", SWITCHES)
def test_training_with_each_switch(workflow, switch, assert_same, newest_state):
    folder = workflow("train", **SWITCHES[switch])
    content = model(folder)
    if switch == "several labels":
        assert list(content["settings"]["label_names"]) == ["0", "1", "2"]
        heads = [value for name, value in content["model"].items() if name.endswith("head.weight")]
        assert {head.shape[0] for head in heads} == {3}
    elif switch == "no validation":
        assert not (folder / "validation.csv").exists()
        assert content["training"]["step"] == len(rows(folder / "losses.csv"))
        assert_same(content["model"], newest_state(folder)["objects"]["network"])
    elif switch.startswith("last epoch"):
        assert [row["epoch"] for row in rows(folder / "validation.csv")] == [2]
        assert len(rows(folder / "losses.csv")) == 2
    elif switch.startswith("another window"):
        assert content["training"]["counts"]["real"] == 2


def test_generated_cases_are_added_fine_tuned_and_guarded(workflow, generated_dir, causes):
    """The set of the fixture saw both folds, so the guard refuses it, and stamps what is made of it all the same."""
    with pytest.raises(RuntimeError) as error:
        workflow("train", generated_dir=str(generated_dir), generated_count=3)
    assert "held-out cases" in causes(error) and "--allow_leakage True" in causes(error)
    options = {"allow_leakage": True, "max_epochs": 1}
    pretrained = workflow("train", generated_dir=str(generated_dir), generated_count=3, use_real=False, **options)
    assert model(pretrained)["training"]["counts"] == {"real": 0, "generated": 3, "validation": 4}
    assert "LEAKAGE" in model(pretrained)["training"]["leakage"]
    with pytest.raises(RuntimeError) as error:
        workflow("train", init_from=str(pretrained / "model.pt"))
    assert "the initial model" in causes(error)
    tuned = model(workflow("train", init_from=str(pretrained / "model.pt"), **options))
    assert "LEAKAGE" in tuned["training"]["leakage"]
    assert tuned["training"]["init_from"]["training"]["counts"]["generated"] == 3


@pytest.mark.parametrize("val_split", [0.25, 0])
def test_labelled_studies_train_the_served_model(run_workflow, trained, phantom_dir, tmp_path, val_split):
    """With the keys that MONAI Label sets, and no data list; `monai_label` beside this does it with MONAI Label."""
    listed = select_cases(read_datalist(phantom_dir / "datalist.json"), dataset_dir=phantom_dir)
    studies = [{key: case[key] for key in ("image", "label")} for case in listed]
    held_back = studies[: int(val_split * len(studies))]
    validating = 3 if val_split else 0  # by the hashes of these eight names
    (tmp_path / "models").mkdir()
    shutil.copy(trained / "model.pt", tmp_path / "models")
    given = {"train#dataset#data": studies[len(held_back) :], "validate#dataset#data": held_back}
    given |= {"train#trainer#max_epochs": 1, "device": "cpu", "bundle_root": str(tmp_path), "num_workers": 0}
    folder = tmp_path / "output" / "monai_label"
    run_workflow("segresnet_auto3dseg", ["train", "monai_label"], output_dir=str(folder), **given)
    served = model(tmp_path / "models")
    assert served["settings"] == model(trained)["settings"]
    assert served["training"]["counts"] == {"real": 8 - validating, "generated": 0, "validation": validating}
    assert served["training"]["init_from"]["training"]["case_ids"] == model(trained)["training"]["case_ids"]
    assert (folder / "losses.csv").is_file() and not (folder / "checkpoint").exists()


def test_fine_tuning_starts_from_the_given_weights(workflow, trained, assert_same):
    still = workflow("train", init_from=str(trained / "model.pt"), lr=1e-30, weight_decay=0.0, max_epochs=1)
    assert_same(model(still)["model"], model(trained)["model"])  # a rate that rounding leaves nothing of


def test_fine_tuning_another_configuration_says_what_differs(workflow, trained, causes):
    with pytest.raises(RuntimeError) as error:
        workflow("train", init_from=str(trained / "model.pt"), init_filters=8)
    assert "init_filters: found 4, expected 8" in causes(error)


@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_the_text_false_does_not_allow_leakage(workflow, causes, name):
    with pytest.raises(RuntimeError) as error:
        workflow(name, allow_leakage="false")
    assert "allow_leakage: found 'false', expected True or False" in causes(error)


@pytest.mark.parametrize("name", ["inference", "evaluate"])
def test_without_a_trained_model_it_says_how_to_get_one(workflow, causes, name, tmp_path):
    with pytest.raises((FileNotFoundError, RuntimeError)) as error:
        workflow(name, checkpoint=str(tmp_path / "model.pt"))
    assert "no trained model at" in causes(error)


def test_inference_writes_masks_on_the_grid_of_each_image(workflow, trained, phantom_dir):
    folder = workflow("inference", checkpoint=str(trained / "model.pt"))
    cases = select_cases(read_datalist(phantom_dir / "datalist.json"), folds="testing", dataset_dir=phantom_dir)
    assert sorted(path.name for path in (folder / "labels").iterdir()) == [f"{c['case_id']}.nii.gz" for c in cases]
    for case in cases:
        image, mask = nib.load(case["image"]), nib.load(folder / "labels" / f"{case['case_id']}.nii.gz")
        assert mask.shape == image.shape
        np.testing.assert_allclose(mask.affine, image.affine, atol=1e-4)
        assert mask.get_data_dtype() == np.uint8
        assert set(np.unique(mask.dataobj)) <= {0, 1}


def test_inference_of_a_folder_of_images_in_another_orientation(workflow, trained, phantom_dir, tmp_path):
    """LPS and permuted axes: the mask comes back on the file's own grid, and says the same as on the RAS one."""
    case = select_cases(read_datalist(phantom_dir / "datalist.json"), folds="testing", dataset_dir=phantom_dir)[0]
    image = nib.load(case["image"])
    turned = image.as_reoriented(np.array([[2, 1], [0, -1], [1, -1]]))
    (tmp_path / "images").mkdir()
    nib.save(image, tmp_path / "images" / "a.nii.gz")
    nib.save(turned, tmp_path / "images" / "b.nii.gz")
    folder = workflow("inference", images=str(tmp_path / "images"), checkpoint=str(trained / "model.pt")) / "labels"
    a, b = (nib.load(folder / f"{name}.nii.gz") for name in "ab")
    assert b.shape == turned.shape != a.shape
    np.testing.assert_allclose(b.affine, turned.affine, atol=1e-4)
    back = nib.as_closest_canonical(b)
    assert np.mean(np.asarray(back.dataobj) != np.asarray(nib.as_closest_canonical(a).dataobj)) < 0.01


def test_a_folder_of_images_is_read_before_anything_runs(workflow, trained, phantom_dir, tmp_path, causes):
    """One mask for each image, and none where the folder is not what was meant."""
    folder, case = tmp_path / "images", read_datalist(phantom_dir / "datalist.json")["testing"][0]
    options = {"checkpoint": str(trained / "model.pt"), "images": str(folder), "output_dir": str(tmp_path / "out")}
    folder.mkdir()
    image = nib.load(phantom_dir / case["image"])
    nib.save(image, folder / "a.nii")
    nib.save(image, folder / "a.nii.gz")
    with pytest.raises(RuntimeError) as error:
        workflow("inference", **options)
    assert "holds both a.nii and a.nii.gz" in causes(error)
    (folder / "a.nii").rename(folder / "b.v2.nii")
    (folder / "._b.v2.nii").write_bytes(b"\0")
    (folder / "a.nii.gz.txt").touch()
    masks = workflow("inference", **options) / "labels"
    assert sorted(path.name for path in masks.iterdir()) == ["a.nii.gz", "b.v2.nii.gz"]


def test_the_evaluation_bundle_can_use_it_as_segmenter(trained, phantom_dir, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    cases = select_cases(read_datalist(phantom_dir / "datalist.json"), folds=0, dataset_dir=phantom_dir)[:2]
    overrides = {"checkpoint": str(trained / "model.pt"), "num_workers": 0}
    found = predict_masks(BUNDLE, cases, work_dir=tmp_path, overrides=overrides)
    assert [nib.load(found[c["case_id"]]).shape for c in cases] == [nib.load(c["image"]).shape for c in cases]


def test_evaluation_of_one_network_and_of_an_ensemble(workflow, trained, phantom_dir):
    other = workflow("train", seed=1, max_epochs=1)
    paths = [str(folder / "model.pt") for folder in (trained, other)]
    for checkpoint in (paths[0], paths):
        folder = workflow("evaluate", pictures="small", checkpoint=checkpoint)
        metrics = json.loads((folder / "metrics.json").read_text())
        assert len(metrics["checkpoints"]) == (2 if isinstance(checkpoint, list) else 1)
        assert metrics["scores"]["foreground"]["cases"] == 2
        with (folder / "cases.csv").open() as file:
            table = list(csv.DictReader(file))
        listed = read_datalist(phantom_dir / "datalist.json")["testing"]
        assert sorted(row["case_id"] for row in table) == sorted(entry["case_id"] for entry in listed)
        assert metrics["scores"]["foreground"]["dice"]["value"] == pytest.approx(
            np.mean([float(row["foreground/dice"]) for row in table])
        )
        assert (folder / "worst_median_best.png").is_file()


def test_scoring_training_cases_is_refused_or_stamped(workflow, trained, causes):
    with pytest.raises(RuntimeError) as error:
        workflow("evaluate", checkpoint=str(trained / "model.pt"), folds="all")
    assert "was trained on 4 of the 8 cases to score" in causes(error)
    folder = workflow("evaluate", checkpoint=str(trained / "model.pt"), folds="all", allow_leakage=True)
    assert "LEAKAGE" in json.loads((folder / "metrics.json").read_text())["checkpoints"][0]["leakage"]


def test_an_ensemble_of_different_preprocessing_is_refused(workflow, trained, causes):
    other = workflow("train", hu_window=[-200, 300], max_epochs=1)
    with pytest.raises(RuntimeError) as error:
        workflow("evaluate", checkpoint=[str(trained / "model.pt"), str(other / "model.pt")])
    assert "hu_window: found [-200, 300], expected [-1024, 600]" in causes(error)


def test_inference_without_weights_says_how_to_get_them(workflow, tmp_path, causes):
    with pytest.raises(RuntimeError) as error:
        workflow("inference", checkpoint=str(tmp_path / "none.pt"))
    assert "run training" in causes(error)


@pytest.mark.parametrize("share", [None, 0.5])
def test_a_killed_run_goes_on_and_ends_bit_equal(killed_and_resumed, generated_dir, assert_same, share):
    """kill -9 in the middle, the same command again: weights, losses and validation equal an uninterrupted run's."""
    options = {"generated_dir": str(generated_dir), "allow_leakage": True, "epoch_steps": 3} if share else {}
    options |= {"generated_share": share, "generated_share_end": 0.0} if share else {}

    def started(folder):
        return list((folder / "checkpoint").glob("checkpoint_*.pt"))

    folders = killed_and_resumed("segresnet_auto3dseg", started=started, max_epochs=4, **options)
    for name in ("losses.csv", "validation.csv"):
        assert_same(*(rows(folder / name) for folder in folders))
    assert_same(*map(model, folders))
    assert model(folders[1])["training"].get("generated_share") == (share and [share, 0.0])


def test_two_processes_train_what_one_does_with_the_global_batch(one_and_two_processes):
    folders = one_and_two_processes("segresnet_auto3dseg", lr=0.0001, epoch_steps=2)
    one, two = (model(folder)["model"] for folder in folders)
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, atol=1e-3, rtol=0)
    dice = [[row["dice"] for row in rows(folder / "validation.csv")] for folder in folders]
    assert dice[1] == pytest.approx(dice[0], abs=0.02)
