"""`run experiment` of segresnet_auto3dseg for real, at a tiny size; its trainings run in this process."""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest

from common.data.datalist import read_datalist

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "bundles" / "segresnet_auto3dseg" / "configs"
# arm: real and generated training cases, its baseline
ARMS = {
    "real": (4, 0, ""),
    "real + as many generated": (4, 4, "real"),
    "generated only": (0, 4, "real"),
    "generated then real": (4, 0, "real"),
    "50 % of real": (2, 0, "real"),
    "50 % of real + generated": (2, 2, "50 % of real"),
}


@pytest.fixture(scope="module")
def unseen_dir(phantom_dir, generated_dir, tmp_path_factory):
    """The generated set, of a generator that was trained without fold 0."""
    directory = shutil.copytree(generated_dir, tmp_path_factory.mktemp("unseen") / "generated")
    provenance = json.loads((directory / "provenance.json").read_text())
    cases = read_datalist(phantom_dir / "datalist.json")["training"]
    provenance["training"]["case_ids"] = [case["case_id"] for case in cases if case["fold"] != 0]
    (directory / "provenance.json").write_text(json.dumps(provenance))
    return directory


@pytest.fixture(scope="module")
def experiment(phantom_dir, unseen_dir, run_files, trainings_here):
    """Function (output_dir, **overrides) that runs the workflow; the list of trainings and evaluations it started."""

    def run(output_dir, **overrides):
        trainings_here.clear()
        options = {"dataset_dir": str(phantom_dir), "generated_dir": str(unseen_dir), "output_dir": str(output_dir)}
        options |= {"overlays": [str(CONFIGS / "smoke.yaml")], "settings": {"max_epochs": 1}, "replicates": 50}
        run_files([CONFIGS / "experiment.yaml"], run_id="experiment", **{**options, **overrides})
        return list(trainings_here)

    return run


@pytest.fixture(scope="module")
def finished(experiment, tmp_path_factory):
    """Output folder of an experiment of all kinds of arms."""
    directory = tmp_path_factory.mktemp("experiment")
    experiment(directory, only=list(ARMS))
    return directory


def table(directory):
    with (directory / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_arm_has_a_row_with_what_it_was_trained_on(finished):
    rows = {row["arm"]: (int(row["real"]), int(row["generated"]), row["baseline"]) for row in table(finished)}
    assert rows == ARMS


def test_scores_are_those_of_the_evaluations_and_nothing_leaked(finished):
    for row in table(finished):
        folder = finished / row["arm"].replace(" ", "_").replace("+", "_").replace("%", "_") / "evaluation"
        scores = json.loads((folder / "metrics.json").read_text())["scores"]["foreground"]
        assert float(row["mean"]) == pytest.approx(scores["dice"]["value"])
        assert float(row["aggregated_dice"]) == pytest.approx(scores["aggregated_dice"]["value"])
        assert row["leakage"] == ""
        assert float(row["minutes"]) >= 0


def test_fine_tuning_starts_from_the_arm_before(finished):
    done = json.loads((finished / "generated_then_real" / "fold_0" / "done.json").read_text())
    assert done["options"]["init_from"] == str(finished / "generated_only" / "fold_0" / "model.pt")


def test_figures_and_page_are_there(finished):
    for name in ("arms.png", "low_data.png", "learning_curves.png"):
        assert (finished / name).read_bytes().startswith(b"\x89PNG")
    page = (finished / "results.html").read_text()
    assert all(name in page for name in ARMS)


def test_what_is_finished_is_not_run_again_and_more_arms_may_join(experiment, finished):
    assert experiment(finished, only=["real", "generated only"]) == []
    assert [row["arm"] for row in table(finished)] == ["real", "generated only"]
    experiment(finished, only=list(ARMS))


def test_a_generator_that_saw_the_fold_is_refused_or_stamps_the_table(experiment, causes, generated_dir, tmp_path):
    options = {"generated_dir": str(generated_dir), "only": ["real + as many generated"]}
    with pytest.raises(RuntimeError) as error:
        experiment(tmp_path, **options)
    assert "was trained on 4 of the 6 held-out cases" in causes(error)
    experiment(tmp_path, settings={"max_epochs": 1, "allow_leakage": True}, **options)
    assert "LEAKAGE" in table(tmp_path)[0]["leakage"]
    assert "LEAKAGE" in (tmp_path / "results.html").read_text()


# what is asked for: words of the answer
REFUSED = {
    "no set": ({"generated_dir": None}, "arm 'real . as many generated' needs generated_dir: set --generated_dir"),
    "no such arm": ({"only": ["reel"]}, r"no arms \['reel'\], expected some of \['real', "),
    "no arm before": ({"only": ["generated then real"]}, "starts from 'generated only', which must be run too"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_run_is_refused_before_anything_is_trained(case, experiment, causes, tmp_path):
    options, words = REFUSED[case]
    with pytest.raises(RuntimeError) as error:
        experiment(tmp_path, **options)
    assert re.search(words, causes(error))
    assert list(tmp_path.iterdir()) == []
