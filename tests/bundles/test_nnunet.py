"""`run experiment` with nnU-Net as the segmenter: with stand-ins for its commands, and once with nnU-Net itself."""

import csv
import json
import os
import re
from pathlib import Path

import pytest

from common.runs.nnunet.environment import COMMANDS
from tests.common.runs.nnunet.stand_in import calls, make_environment

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "bundles" / "segresnet_auto3dseg" / "configs"
FILES = [CONFIGS / "experiment.yaml", CONFIGS / "nnunet.yaml"]
ENVIRONMENT = Path(os.environ.get("NNUNET_VENV", ROOT / ".venv-nnunet"))
SETTINGS = {"max_epochs": 2, "num_workers": 0, "validation_count": 1}
SMALL = {**SETTINGS, "spacing": [6, 6, 6], "patch_size": [32, 32, 16], "features": 4, "validation_steps": 1}
# arm: real and generated training cases, its baseline
ARMS = {
    "4 real": (4, 0, ""),
    "2 real": (2, 0, "4 real"),
    "4 real + 50 % generated": (4, 6, "4 real"),
    "generated only": (0, 6, "4 real"),
}


@pytest.fixture(scope="module")
def experiment(phantom_dir, unseen_dir, run_files, trainings_here):
    """Function (output_dir, environment, **overrides) that runs the workflow; the runs that it started."""

    def run(output_dir, environment, **overrides):
        trainings_here.clear()
        options = {"dataset_dir": str(phantom_dir), "generated_dir": str(unseen_dir), "output_dir": str(output_dir)}
        options |= {"environment": str(environment), "settings": SETTINGS, "evaluate_settings": {"num_workers": 0}}
        options |= {"updates": 4, "seeds": [0], "replicates": 50}
        run_files(FILES, run_id="experiment", **{**options, **overrides})
        return list(trainings_here)

    return run


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    return make_environment(tmp_path_factory.mktemp("nnunet") / "environment")


@pytest.fixture(scope="module")
def finished(experiment, stand_in, tmp_path_factory):
    directory = tmp_path_factory.mktemp("experiment")
    experiment(directory, stand_in, only=list(ARMS))
    return directory


def table(directory):
    with (directory / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_arm_has_a_row_of_the_same_table(finished):
    rows = table(finished)
    assert {row["arm"]: (int(row["real"]), int(row["generated"]), row["baseline"]) for row in rows} == ARMS
    assert {row["updates"] for row in rows} == {"4"} and {row["leakage"] for row in rows} == {""}
    for row in rows:
        folder = finished / re.sub(r"[^\w.-]", "_", row["arm"]) / "seed_0" / "evaluation"
        metrics = json.loads((folder / "metrics.json").read_text())
        assert float(row["mean"]) == pytest.approx(metrics["scores"]["foreground"]["dice"]["value"])
        assert metrics["nnunet"] == "9.9.9" and (folder / "nnunet" / "predict.log").is_file()
    assert "50%" in {row["arm"]: row["generated_share"] for row in rows}["4 real + 50 % generated"]


def test_the_same_cases_as_those_of_our_own_segmenter_are_drawn(finished, stand_in):
    trained = json.loads(
        (
            finished / "4_real" / "seed_0" / "fold_0" / "nnunet" / "nnUNet_raw" / "Dataset501_arm" / "splits_final.json"
        ).read_text()
    )[0]["train"]
    done = json.loads((finished / "4_real" / "seed_0" / "fold_0" / "nnunet" / "settings.json").read_text())
    assert trained == done["cases"] and len(trained) == 4
    trainings = [options for name, options in calls(stand_in) if name == "train"]
    assert len(trainings) == len(ARMS) and all("--c" not in options for options in trainings)


def test_what_is_finished_is_not_run_again(experiment, finished, stand_in):
    before = len(calls(stand_in))
    assert experiment(finished, stand_in, only=list(ARMS)) == []
    assert len(calls(stand_in)) == before


# what is asked for: words of the answer
REFUSED = {
    "no environment": ({"environment": "nowhere"}, r"no nnUNetv2_plan_and_preprocess in .*nowhere/bin.*`make nnunet`"),
    "a share that changes": (
        {"arms": [{"name": "a", "options": {"generated_share_end": 0, "generated_share": 0.5, "generated_dir": "x"}}]},
        r"arm 'a': generated_share_end: found 0, expected null; leave it out, and the share stays throughout",
    ),
    "pre-training": (
        {"arms": [{"name": "a", "updates": 0.5}, {"name": "b", "start_from": "a"}], "only": None},
        r"arm 'b': init_from: found '.*, expected null; leave out arms that start from another",
    ),
    "pairs that are drawn": (
        {"arms": [{"name": "a", "options": {"generator": "bundles/hagan_128"}}]},
        r"arm 'a': generator: found 'bundles/hagan_128', expected null; write a set with `run inferring`",
    ),
    "pasted lesions": (
        {"arms": [{"name": "a", "overlays": [str(CONFIGS / "copy_paste.yaml")]}]},
        r"found copy_paste\.yaml, which changes .*, but nnunet_train\.yaml has no",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_nnunet_cannot_do_is_refused_by_name_before_anything_is_run(
    case, phantom_dir, run_files, causes, stand_in, tmp_path
):
    """By the experiment as a user starts it, whose trainings would be processes of their own."""
    options, words = REFUSED[case]
    given = {"dataset_dir": str(phantom_dir), "output_dir": str(tmp_path), "environment": str(stand_in), "updates": 4}
    given |= {"settings": SETTINGS, "seeds": [0]}
    with pytest.raises(RuntimeError) as error:
        run_files(FILES, run_id="experiment", **{**given, **options})
    assert re.search(words, causes(error))
    assert not list(tmp_path.rglob("done.json"))


@pytest.mark.nnunet
@pytest.mark.skipif(
    not all((ENVIRONMENT / "bin" / name).is_file() for name in COMMANDS),
    reason=f"no nnU-Net in {ENVIRONMENT}: `make test-nnunet` installs it",
)
def test_nnunet_itself_trains_and_predicts(experiment, monkeypatch, tmp_path):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    options = {"settings": SMALL, "evaluate_settings": {"num_workers": 0, "mirroring": False}}
    experiment(tmp_path, ENVIRONMENT, only=["4 real"], **options)
    (row,) = table(tmp_path)
    assert (row["updates"], row["real"], row["n"]) == ("4", "4", "2") and 0 <= float(row["mean"]) <= 1
    home = tmp_path / "4_real" / "seed_0" / "fold_0" / "nnunet"
    text = (home / "train.log").read_text()
    assert "Epoch 1" in text and "Mean Validation Dice" in text and "checkpoint_latest" not in text
    plans = json.loads(next(home.glob("nnUNet_results/*/*/plans.json")).read_text())
    plan = plans["configurations"]["3d_fullres"]
    assert (plan["spacing"], plan["patch_size"]) == ([6.0, 6.0, 6.0], [16, 32, 32])
    masks = tmp_path / "4_real" / "seed_0" / "evaluation" / "labels"
    assert len(list(masks.glob("*.nii.gz"))) == 2
