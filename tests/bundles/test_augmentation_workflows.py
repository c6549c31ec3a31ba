"""Augmentation of the HA-GAN bundles: on the fly, and written as a data set that is then trained on."""

import csv
import json

import nibabel as nib
import numpy as np
import pytest
import torch

from common.data.datalist import read_datalist, select_cases
from common.data.generated_set import read_generated_set, training_cases
from common.data.leakage import LeakageError, check_leakage

# ranges that fit 32×32×16 voxels
SMALL = {
    **{f"{kind}_{name}": value for kind in ("affine", "elastic") for name, value in (("translation", [4, 4, 1]),)},
    "elastic_sigma": [2, 3],
    "elastic_magnitude": [10, 20],
}
BRANCHES = ("plain", "resampled", "affine", "elastic")


@pytest.fixture(scope="module")
def plain(run_workflow, phantom_dir, tmp_path_factory):
    """Folder of a training without augmentation."""
    folders = {"dataset_dir": str(phantom_dir), "output_dir": str(tmp_path_factory.mktemp("plain"))}
    return run_workflow("hagan_128", ["train", "smoke"], **folders)


@pytest.fixture
def train(run_workflow, phantom_dir, tmp_path):
    """Function (*overlays, **overrides) -> output folder of a tiny training."""

    def run(*overlays, bundle="hagan_128", **overrides):
        options = {"dataset_dir": str(phantom_dir), "output_dir": str(tmp_path / "train"), **overrides}
        return run_workflow(bundle, ["train", *overlays, "smoke"], **options)

    return run


@pytest.fixture
def augment(run_workflow, phantom_dir, tmp_path):
    """Function (**overrides) -> folder of a small augmented set."""

    def run(bundle="hagan_128", **overrides):
        options = {"dataset_dir": str(phantom_dir), "output_dir": str(tmp_path / "set"), "spacing": [12, 12, 12]}
        return run_workflow(bundle, ["augmenting"], workflow_type=None, **{**options, **SMALL, **overrides})

    return run


@pytest.mark.parametrize("branch", BRANCHES)
def test_each_kind_alone_trains_and_differs_from_the_others(train, plain, newest_state, branch):
    weights = {name: int(name == branch) for name in BRANCHES}
    sampled = train("augment", voxel_sizes=[30.0], **SMALL, **weights)
    assert newest_state(sampled)["iteration"] == 2
    same = [torch.load(folder / "model.pt", weights_only=True)["model"] for folder in (sampled, plain)]
    equal = all(torch.equal(same[0][key], same[1][key]) for key in same[0])
    assert equal == (branch == "plain")


def rows(folder):
    with (folder / "losses.csv").open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("bundle", "pairing"), [("hagan_128", "z_concat"), ("hagan_128", "interleave"), ("hagan_256", "channels")]
)
def test_what_the_discriminator_sees_is_augmented_as_often_as_it_overfits(train, bundle, pairing):
    # one of four steps away from always: p is 0, then 0.25 up or down
    options = {"bundle": bundle, "pairing": pairing, "ada_target": -0.9, "ada_images": 32, "max_steps": 5}
    options |= {"preview_interval": 10, "checkpoint_interval": 10}
    folder = train("diff_augment", **options)
    found = rows(folder)
    assert [row["augment_p"] for row in found[:3]] == [0, 0, 0]
    mean = sum(row["d_sign"] for row in found[:4]) / 4
    assert [row["augment_p"] for row in found[3:]] == [0.25 * (mean > -0.9)] * 2


def test_adaptive_augmentation_goes_on_where_it_was(train, newest_state, assert_same, tmp_path):
    options = {"ada_target": -0.9, "ada_images": 16, "preview_interval": 10, "checkpoint_interval": 10}
    whole = train("diff_augment", output_dir=str(tmp_path / "whole"), max_steps=6, **options)
    parts = str(tmp_path / "parts")
    train("diff_augment", output_dir=parts, max_steps=5, **options)
    resumed = train("diff_augment", output_dir=parts, max_steps=6, **options)
    assert_same(newest_state(whole), newest_state(resumed))
    assert newest_state(whole)["objects"]["ada"]["probability"] == rows(resumed)[-1]["augment_p"]


def test_an_augmentation_without_control_is_always_there(train, newest_state):
    folder = train("diff_augment", ada_target=None)
    assert "augment_p" not in rows(folder)[0] and "ada" not in newest_state(folder)["objects"]


def test_a_resumed_run_draws_what_an_uninterrupted_one_does(train, newest_state, assert_same, tmp_path):
    options = {**SMALL, "max_steps": 4}
    whole = train("augment", output_dir=str(tmp_path / "whole"), **options)
    parts = str(tmp_path / "parts")
    train("augment", output_dir=parts, **{**options, "max_steps": 2})
    resumed = train("augment", output_dir=parts, **options)
    assert newest_state(whole)["iteration"] == 4
    assert_same(newest_state(whole)["objects"], newest_state(resumed)["objects"])


def test_a_run_does_not_go_on_with_other_augmentation(train, causes):
    train("augment", **SMALL)
    with pytest.raises((ValueError, RuntimeError)) as error:
        train("augment", **{**SMALL, "affine_rotation": [0, 0, 10]}, max_steps=3)
    assert "augmentation" in causes(error)


def test_a_set_is_written_and_trained_on_and_its_samples_name_the_real_cases(
    augment, train, run_workflow, phantom_dir, tmp_path
):
    folder = augment(bundle="hagan_256", folds=[0], voxel_sizes=[13.0])
    real = select_cases(read_datalist(phantom_dir / "datalist.json"), folds=[0], dataset_dir=phantom_dir)
    content = read_datalist(folder / "datalist.json")
    assert len(content["training"]) == 4 * len(real)
    assert {entry["fold"] for entry in content["training"]} == {0}
    assert sorted(path.stem for path in (folder / "previews").iterdir()) == sorted(
        ["affine", "elastic", "original", "resampled"]
    )
    image = nib.load(folder / content["training"][0]["image"])
    np.testing.assert_allclose(image.header.get_zooms(), 12)
    trained = train(dataset_dir=str(folder))
    checkpoint = str(trained / "model.pt")
    options = {"checkpoint": checkpoint, "output_dir": str(tmp_path / "generated")}
    sampled = run_workflow("hagan_128", ["inference", "smoke"], workflow_type="infer", **options)
    generated = read_generated_set(sampled)
    assert generated.training_ids == {case["case_id"] for case in real}
    with pytest.raises(LeakageError):
        check_leakage(generated, held_out=[real[0]["case_id"]])
    found = training_cases(generated, phantom_dir / "datalist.json", dataset_dir=phantom_dir)
    assert {case["case_id"] for case in found} == generated.training_ids


def test_a_set_of_pasted_and_drawn_lesions_trains_a_segmenter_whose_fold_gave_none(
    augment, run_workflow, phantom_dir, tmp_path, causes
):
    kinds = {"original": False, "affine": False, "elastic": False, "pasted": True, "drawn": True}
    loose = {"lesion_fit": 0.3, "lesion_reach": 60, "lesion_tolerance": 200, "preview_count": 1}
    folder = augment(folds=[1], spacing=[9, 9, 9], **kinds, **loose)
    provenance = json.loads((folder / "provenance.json").read_text())
    hosts = {
        case["case_id"]
        for case in select_cases(read_datalist(phantom_dir / "datalist.json"), folds=[1], dataset_dir="")
    }
    assert {case["kind"] for case in provenance["cases"]} == {"pasted", "drawn"}
    assert {case["lesion_from"] for case in provenance["cases"]} <= hosts == set(provenance["training"]["case_ids"])
    assert provenance["settings"]["lesions"]["donors"] == sorted(hosts)
    mixed = {"dataset_dir": str(phantom_dir), "generated_dir": str(folder), "generated_count": 2, "max_epochs": 1}
    trained = run_workflow(
        "segresnet_auto3dseg", ["train", "smoke"], fold=0, output_dir=str(tmp_path / "mixed"), **mixed
    )
    training = torch.load(trained / "model.pt", weights_only=True)["training"]
    assert training["counts"]["generated"] == 2 and training["generated"]["generator_case_ids"] == sorted(hosts)
    with pytest.raises((ValueError, RuntimeError)) as error:
        run_workflow("segresnet_auto3dseg", ["train", "smoke"], fold=1, output_dir=str(tmp_path / "leaky"), **mixed)
    assert "held-out cases" in causes(error)


def test_a_written_set_is_not_cropped_again(augment, train, monkeypatch):
    """A crop to the body would undo the translations."""
    folder = augment(original=False, elastic=False)
    seen = []
    monkeypatch.setattr(
        "common.transforms.centre_crop.CentreBoundsCrop._body_box", lambda self, img: seen.append(img) or 1 / 0
    )
    train(dataset_dir=str(folder), max_steps=1)
    assert seen == []


def test_test_cases_and_the_datas_own_folder_are_refused(augment, causes, phantom_dir):
    for overrides, message in (
        ({"folds": "testing"}, "test cases would be copied"),
        ({"output_dir": str(phantom_dir)}, "where the data are"),
    ):
        with pytest.raises((ValueError, RuntimeError)) as error:
            augment(**overrides)
        assert message in causes(error)


@pytest.mark.openkbp
def test_real_cases_are_augmented_and_pass_the_check(augment, train, few_openkbp):
    folder = augment(dataset_dir=str(few_openkbp), folds=[0], spacing=[8, 8, 8], affine_translation=[6, 6, 1])
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["settings"]["affine"]["translation"] == [6, 6, 1]
    train(dataset_dir=str(folder), max_steps=1)
