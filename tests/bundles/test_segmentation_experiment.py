"""`run experiment` of segresnet_auto3dseg for real, at a tiny size; its trainings run in this process."""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
import torch

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
    "real + 50 to 0 % generated": (4, 6, "real"),
}


@pytest.fixture(scope="module")
def experiment(phantom_dir, unseen_dir, run_files, trainings_here):
    """Function (output_dir, overlays, **overrides) that runs the workflow; the trainings and evaluations it started."""

    def run(output_dir, *laid_over, **overrides):
        trainings_here.clear()
        options = {"dataset_dir": str(phantom_dir), "generated_dir": str(unseen_dir), "output_dir": str(output_dir)}
        options |= {"overlays": [str(CONFIGS / "smoke.yaml")], "settings": {"max_epochs": 2}, "replicates": 50}
        files = [CONFIGS / "experiment.yaml", *[CONFIGS / f"{name}.yaml" for name in laid_over]]
        run_files(files, run_id="experiment", **{"seeds": [0], **options, **overrides})
        return list(trainings_here)

    return run


@pytest.fixture(scope="module")
def finished(experiment, tmp_path_factory):
    """Output folder of an experiment of all kinds of arms."""
    directory = tmp_path_factory.mktemp("experiment")
    experiment(directory, only=list(ARMS))
    return directory


def folder(directory, arm, seed=0):
    return directory / "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in arm) / f"seed_{seed}"


def table(directory):
    with (directory / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_arm_has_a_row_with_what_it_was_trained_on(finished):
    rows = {row["arm"]: (int(row["real"]), int(row["generated"]), row["baseline"]) for row in table(finished)}
    assert rows == ARMS


def test_scores_are_those_of_the_evaluations_and_nothing_leaked(finished):
    for row in table(finished):
        found = json.loads((folder(finished, row["arm"]) / "evaluation" / "metrics.json").read_text())
        scores = found["scores"]["foreground"]
        assert float(row["mean"]) == pytest.approx(scores["dice"]["value"])
        assert float(row["aggregated_dice"]) == pytest.approx(scores["aggregated_dice"]["value"])
        assert row["leakage"] == ""
        assert float(row["minutes"]) >= 0


def test_fine_tuning_starts_from_the_arm_before(finished):
    done = json.loads((folder(finished, "generated then real") / "fold_0" / "done.json").read_text())
    assert done["options"]["init_from"] == str(folder(finished, "pre-training") / "fold_0" / "model.pt")
    assert not (folder(finished, "pre-training") / "evaluation").exists()


def test_every_arm_has_the_same_updates_and_the_page_begins_with_the_verdict(finished):
    """Four real cases in batches of two, two epochs: four updates; pre-training and fine-tuning have two each."""
    rows = {row["arm"]: row for row in table(finished)}
    assert {row["updates"] for row in rows.values()} == {"4"}
    assert rows["real"]["head_room"] in ("yes", "no") and rows["50 % of real"]["head_room"] in ("yes", "no")
    assert rows["50 % of real + generated"]["head_room"] == "unknown"  # no arm has a quarter of the cases
    assert rows["real + 50 to 0 % generated"]["generated_share"] == "50% → 0%"
    page = (finished / "results.html").read_text()
    assert "Can this table show a gain?" in page.partition("<h2")[2].partition("</h2>")[0]
    assert "Unknown for the 2 real cases of &#39;50 % of real&#39;" in page
    assert "trained with one seed" in page


def test_seeds_draw_their_own_subsets_and_join_later(experiment, finished):
    started = experiment(finished, only=["real", "50 % of real"], seeds=[0, 1])
    assert sorted(set(started)) == ["seed_1/evaluation", "seed_1/fold_0"]
    rows = {row["arm"]: row for row in table(finished)}
    assert rows["real"]["seeds"] == "2" and float(rows["50 % of real"]["seed_sd"]) >= 0
    models = [torch.load(folder(finished, "50 % of real", seed) / "fold_0" / "model.pt") for seed in (0, 1)]
    assert [model["training"]["seed"] for model in models] == [0, 1]
    experiment(finished, only=list(ARMS))


def test_the_learning_curve_leaves_out_what_the_data_do_not_suffice_for(experiment, tmp_path):
    experiment(tmp_path, "learning_curve", settings={"max_epochs": 1}, generated_dir=None)
    assert [(row["arm"], row["real"]) for row in table(tmp_path)] == [
        ("all real", "4"),
        ("half of all real", "2"),
        ("4 real", "4"),
    ]
    page = (tmp_path / "results.html").read_text()
    assert "it needs 80 real training cases, there are 4" in page
    assert (tmp_path / "low_data.png").is_file()


def test_another_sites_generator_must_not_have_seen_the_site(experiment, causes, phantom_dir, unseen_dir, tmp_path):
    """Fold 1 is site B: the set of the fixture has seen it, one of other patients has not."""
    arms = ["all of site B", "all of site B + 25 % generated"]
    with pytest.raises(RuntimeError) as error:
        experiment(tmp_path, "other_site", only=arms[1:], site_b=[1])
    assert "other_site is true, but the generator of" in causes(error)
    strangers = shutil.copytree(unseen_dir, tmp_path / "strangers")
    provenance = json.loads((strangers / "provenance.json").read_text())
    provenance["training"]["case_ids"] = ["patient of site A"]
    (strangers / "provenance.json").write_text(json.dumps(provenance))
    experiment(tmp_path / "out", "other_site", only=arms, site_b=[1], generated_dir=str(strangers))
    assert [(row["real"], row["generated"]) for row in table(tmp_path / "out")] == [("4", "0"), ("4", "6")]


def test_figures_and_page_are_there(finished):
    for name in ("arms.png", "low_data.png", "learning_curves.png", "convergence.png"):
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
    experiment(tmp_path, settings={"max_epochs": 2, "allow_leakage": True}, **options)
    assert "LEAKAGE" in table(tmp_path)[0]["leakage"]
    assert "LEAKAGE" in (tmp_path / "results.html").read_text()


# what is asked for: words of the answer
REFUSED = {
    "no set": ({"generated_dir": None}, "arm 'real . as many generated' needs generated_dir: set --generated_dir"),
    "no such arm": ({"only": ["reel"]}, r"no arms \['reel'\], expected some of \['real', "),
    "no arm before": ({"only": ["50 % of real + generated"]}, "compared with '50 % of real', which must be run too"),
    "half of an update": (
        {"only": ["generated then real"], "settings": {"max_epochs": 1, "epoch_steps": 1}},
        "'pre-training' takes 0.5 of 1 updates, which is no whole number",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_run_is_refused_before_anything_is_trained(case, experiment, causes, tmp_path):
    options, words = REFUSED[case]
    with pytest.raises(RuntimeError) as error:
        experiment(tmp_path, **options)
    assert re.search(words, causes(error))
    assert list(tmp_path.iterdir()) == []
