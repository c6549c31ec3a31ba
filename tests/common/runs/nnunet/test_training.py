"""nnU-Net's training of an arm, step by step, with stand-ins for its commands."""

import csv
import json

import pytest

from common.data.choose_real import RealOptions
from common.data.training_mix import training_mix
from common.networks.model_file import read_model_file, read_settings
from common.runs.nnunet.environment import NnUNet
from common.runs.nnunet.plan import PlanEdits
from common.runs.nnunet.training import NnUNetTraining, read_log
from tests.common.runs.nnunet.stand_in import calls, make_environment

EDITS = {"batch_size": 2, "spacing": [4.0, 2.0, 4.0], "patch_size": [16, 32, 16], "features": 4}
LENGTH = {"epochs": 3, "steps": 5, "validation_steps": 1}
REST = ["-tr", "ArmTrainer", "-p", "armPlans", "-device", "cpu"]


@pytest.fixture
def environment(tmp_path):
    return make_environment(tmp_path / "environment")


@pytest.fixture
def training(datalist, tmp_path, environment):
    """Function (count of real cases, edits) -> a training of them in tmp_path/out."""

    def build(count=3, **edits):
        home = tmp_path / "out" / "nnunet"
        mix = training_mix(RealOptions(datalist=datalist, fold=0, count=count))
        return NnUNetTraining(
            mix,
            program=NnUNet(environment=str(environment), home=home, trainers="scripts", num_workers=0),
            edits=PlanEdits(**{**EDITS, **LENGTH, **edits}),
            output_dir=tmp_path / "out",
            label_names={"0": "background", "1": "foreground"},
            binary=True,
            region={"centre_bounds": {}, "crop": "none"},
            validation=2,
            record={**mix.describe(), "spacing": [4.0, 2.0, 4.0]},
        )

    return build


def test_each_step_is_a_command_of_nnunet(training, environment, tmp_path):
    training().run()
    assert calls(environment) == [
        ["plan_and_preprocess", ["-d", "501", "--verify_dataset_integrity", "--clean", "--no_pp", "-npfp", "1"]],
        ["preprocess", ["-d", "501", "-plans_name", "armPlans", "-c", "3d_fullres", "-np", "1"]],
        ["train", ["501", "3d_fullres", "0", *REST]],
    ]
    plans = json.loads((tmp_path / "out/nnunet/nnUNet_preprocessed/Dataset501_arm/armPlans.json").read_text())
    assert plans["configurations"]["3d_fullres"]["patch_size"] == [16, 32, 16]
    assert plans["length"] == LENGTH
    for log in ("plan.log", "preprocess.log", "train.log"):
        assert (tmp_path / "out" / "nnunet" / log).is_file()


def test_the_model_file_says_what_was_trained_on_and_the_losses_are_those_of_the_log(training, tmp_path):
    training().run()
    content = read_model_file(tmp_path / "out" / "model.pt")
    assert content["model"] == {} and len(content["training"]["case_ids"]) == 3
    assert (content["settings"]["network"], content["settings"]["nnunet"]) == ("nnunet", "9.9.9")
    with pytest.raises(ValueError, match="network 'nnunet'"):
        read_settings(tmp_path / "out" / "model.pt", network="segresnet_ds")
    with (tmp_path / "out" / "losses.csv").open() as file:
        rows = [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file)]
    assert rows == [(5, 0.0), (10, -0.25), (15, -0.5)]


def test_a_training_that_was_stopped_goes_on_by_nnunets_own_flag(training, environment, tmp_path, monkeypatch):
    monkeypatch.setenv("STAND_IN_STOPS", "1")
    with pytest.raises(RuntimeError, match=r"`nnUNetv2_train` failed with 1, see .*train\.log; .*\nout of memory"):
        training().run()
    assert not (tmp_path / "out" / "model.pt").exists()
    monkeypatch.delenv("STAND_IN_STOPS")
    training().run()
    assert [name for name, _ in calls(environment)] == ["plan_and_preprocess", "preprocess", "train", "train"]
    assert calls(environment)[-1][1] == ["501", "3d_fullres", "0", *REST, "--c"]
    with (tmp_path / "out" / "losses.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 3  # of both logs


def test_what_is_finished_is_not_run_again(training, environment):
    training().run()
    training().run()
    assert len(calls(environment)) == 3


def test_other_cases_or_another_plan_are_not_mixed_in(training, tmp_path):
    training().run()
    with pytest.raises(ValueError, match=r"settings\.json was made with other settings:\n  plan\.features: found 4"):
        training(features=8).run()
    with pytest.raises(ValueError, match=r"(?s)  cases: found .*Repeat its settings, or name another --output_dir"):
        training(count=2).run()


def test_of_an_epoch_that_was_run_again_the_last_loss_counts():
    lines = ["t: Epoch 0 ", "t: train_loss 0.5 ", "t: val_loss 0.1 ", "t: Epoch 1", "t: Epoch 1", "t: train_loss -0.5"]
    assert read_log("\n".join(lines)) == {0: 0.5, 1: -0.5}
    assert read_log("") == {}
