"""The workflows of hagan_128 and hagan_256 run for real, at a tiny size."""

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from common.data.datalist import read_datalist, select_cases
from common.files import file_sha256

# overrides of one tiny training, each a switch that users turn
SWITCHES = {
    "defaults": {},
    "seamless slab": {"slab": "seamless"},
    "interleaved": {"pairing": "interleave"},
    "two channels, seamless": {"pairing": "channels", "slab": "seamless", "image_size": [32, 32, 32]},
    "two channels, flat volume": {"pairing": "channels", "image_size": [32, 32, 16]},
    "images only": {"pairing": "image_only", "image_size": [32, 32, 32]},
    "binary masks": {"binary_mask": True},
    "hinge, R1": {"objective": "hinge", "r1_weight": 1.0},
    "WGAN-GP": {"objective": "wgan_gp", "spectral_norm": False},
    "bf16, moving average": {"amp": "bf16", "ema": 0.9},
    "accumulation, two updates of G": {"accumulation": 2, "g_iterations": 2},
    "another window, one fold, RAM": {"hu_window": [-1024, 1200], "folds": [1], "cache": "ram"},
}


@pytest.fixture
def workflow(run_workflow, phantom_dir, tmp_path):
    """Function (train or inference, **overrides) that runs a workflow with the smoke overlay in this process."""

    def run(name, bundle="hagan_128", **overrides):
        options = {"output_dir": str(tmp_path / name)}
        options |= {"dataset_dir": str(phantom_dir)} if name == "train" else {}
        kind = {"train": "train", "inference": "infer"}[name]
        return run_workflow(bundle, [name, "smoke"], workflow_type=kind, **{**options, **overrides})

    return run


@pytest.fixture(scope="module")
def trained(run_workflow, phantom_dir, tmp_path_factory):
    """Folder of a training with the defaults."""
    folders = {"dataset_dir": str(phantom_dir), "output_dir": str(tmp_path_factory.mktemp("trained"))}
    return run_workflow("hagan_128", ["train", "smoke"], **folders)


def losses(folder):
    with (folder / "losses.csv").open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


@pytest.mark.parametrize("switch", SWITCHES)
def test_training_and_generation_with_each_switch(workflow, switch):
    overrides = SWITCHES[switch]
    trained = workflow("train", pictures="small", **overrides)
    for name in ("model.pt", "losses.csv", "losses.png", "previews/step_00000002.png"):
        assert (trained / name).is_file(), name
    assert list(trained.glob("events.*"))
    assert len(losses(trained)) == 2
    generated = workflow("inference", pictures="small", checkpoint=str(trained / "model.pt"))
    assert (generated / "previews" / "pairs.png").is_file()
    names = json.loads((generated / "dataset.json").read_text())["labels"]
    assert names["1"] == ("tumour or lymph node" if switch == "binary masks" else "tumour")
    image = nib.load(generated / "images" / "generated_00000.nii.gz")
    assert image.shape == tuple(overrides.get("image_size", [32, 32, 16]))
    assert np.ptp(image.get_fdata()) > 10  # HU; not a constant volume
    if switch == "images only":
        assert not (generated / "labels").exists()
    else:
        label = nib.load(generated / "labels" / "generated_00000.nii.gz")
        assert label.shape == image.shape
        assert set(np.unique(label.get_fdata())) <= ({0, 1} if switch == "binary masks" else {0, 1, 2})


def test_hagan_256_trains_and_generates(workflow):
    trained = workflow("train", bundle="hagan_256")
    generated = workflow("inference", bundle="hagan_256", checkpoint=str(trained / "model.pt"))
    assert json.loads((generated / "provenance.json").read_text())["bundle"]["name"] == "hagan_256"


def test_a_generated_set_is_a_data_list_that_can_be_trained_on(workflow, trained, phantom_dir):
    generated = workflow("inference", checkpoint=str(trained / "model.pt"))
    entries = select_cases(read_datalist(generated / "dataset.json"), dataset_dir=generated)
    assert [Path(entry["image"]).is_file() for entry in entries] == [True, True]
    provenance = json.loads((generated / "provenance.json").read_text())
    listed = read_datalist(phantom_dir / "datalist.json")
    assert provenance["training"]["case_ids"] == sorted(entry["case_id"] for entry in listed["training"])
    assert provenance["checkpoint"]["sha256"] == file_sha256(trained / "model.pt")
    spacing = nib.load(entries[0]["image"]).header.get_zooms()
    np.testing.assert_allclose(spacing, provenance["training"]["spacing"], rtol=1e-5)


def test_the_same_seed_generates_the_same_files_and_another_others(workflow, trained, assert_seeds_decide, tmp_path):
    model = str(trained / "model.pt")
    sets = [
        workflow("inference", checkpoint=model, output_dir=str(tmp_path / name), seed=seed)
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert_seeds_decide(*sets)


def test_generating_without_weights_says_how_to_get_them(workflow, causes, tmp_path):
    with pytest.raises(RuntimeError) as error:
        workflow("inference", checkpoint=str(tmp_path / "none.pt"))
    assert "no trained model at" in causes(error)


def test_training_without_data_says_how_to_get_them(workflow, causes, tmp_path):
    with pytest.raises(RuntimeError) as error:
        workflow("train", dataset_dir=str(tmp_path))
    assert "no data list at" in causes(error) and "python -m common.data prepare" in causes(error)


def test_a_text_where_a_switch_belongs_is_refused_before_training(workflow, causes, tmp_path):
    with pytest.raises(RuntimeError) as error:
        workflow("train", spectral_norm="false")
    assert "write --spectral_norm False" in causes(error)
    assert not (tmp_path / "train" / "losses.csv").exists()


def test_a_killed_run_goes_on_and_ends_bit_equal(killed_and_resumed, assert_same):
    """kill -9 in the middle, the same command again: checkpoints, model and losses equal an uninterrupted run's."""

    def started(folder):
        table = folder / "losses.csv"
        return table.is_file() and table.read_text().count("\n") > 3

    folders = killed_and_resumed("hagan_128", started=started, max_steps=6, ema=0.9)
    assert_same(*map(losses, folders))
    assert_same(*(torch.load(folder / "model.pt", weights_only=True) for folder in folders))


def test_two_processes_train_what_one_does_with_the_global_batch(one_and_two_processes, newest_state):
    # The second step's losses come of the first's averaged gradients. Adam with β₁ = 0 makes whole steps of rounding
    # where gradients are near zero, so the rates are low, and later losses drift apart whatever sums the gradients.
    rates = {"lr_g": "2e-5", "lr_d": "2e-5", "lr_e": "2e-5"}
    one, two = one_and_two_processes("hagan_128", max_steps=2, torchrun=True, **rates)
    optimizer = newest_state(one)["objects"]["optimizers.g"]
    assert optimizer["param_groups"][0]["lr"] == 0.00002  # as a user types it
    for a, b in zip(losses(one), losses(two), strict=True):
        assert b == pytest.approx(a, abs=1e-5)


@pytest.mark.openkbp
def test_real_head_and_neck_ct_trains(workflow, few_openkbp):
    trained = workflow("train", dataset_dir=str(few_openkbp))
    assert np.isfinite([list(row.values()) for row in losses(trained)]).all()
