"""`run searching` and `run reporting` of hagan_128 for real, at a tiny size; its steps run in this process."""

import csv
import json
from pathlib import Path

import pytest
from monai.bundle import ConfigParser

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "bundles" / "hagan_128" / "configs"
HPO17 = {"lr_g": 0.0002, "lr_d": 0.0004, "lr_e": 0.0002, "latent_dim": 1024}


@pytest.fixture(scope="module")
def searching(phantom_dir, run_files):
    """Function (output_dir, run_id, **overrides) that runs the workflow; the run ids of the steps that it started."""
    started = []

    def run_here(run_id, configs, options, log, **_):
        started.append(run_id)
        kind = "infer" if run_id == "inferring" else "train"
        run_files(configs, workflow_type=kind, run_id=run_id, **options)

    def run(output_dir, run_id="searching", **overrides):
        started.clear()
        options = {"dataset_dir": str(phantom_dir), "output_dir": str(output_dir), "train_folds": [0]}
        options |= {"overlays": [str(CONFIGS / "smoke.yaml")], "score_folds": [1], "generate_settings": {}}
        options |= {"evaluation_overlays": [str(ROOT / "bundles" / "evaluation" / "configs" / "smoke.yaml")]}
        options |= {"evaluate_settings": {"sections": ["fidelity"]}}  # the objective's
        run_files([CONFIGS / "search.yaml"], run_id=run_id, **{**options, **overrides})
        return list(started)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("TQDM_DISABLE", "1")
        patch.setattr("common.runs.search.search.run_workflow", run_here)
        yield run


def test_two_points_are_trained_generated_scored_and_reported(searching, tmp_path):
    space = {"lr_g": [0.0002, 0.002]}
    assert searching(tmp_path, space=space) == ["training", "inferring", "evaluating"] * 2
    with (tmp_path / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        folder = tmp_path / "trials" / row["trial"]
        metrics = json.loads((folder / "evaluating" / "metrics.json").read_text())
        assert float(row["value"]) == pytest.approx(metrics["scores"]["fid/pair/organs"]["value"])
        assert (folder / "training" / "model.pt").is_file()
    best = min(rows, key=lambda row: float(row["value"]))
    assert ConfigParser.load_config_files([str(CONFIGS / "train.yaml"), str(tmp_path / "best.json")])["lr_g"] == float(
        best["lr_g"]
    )
    assert searching(tmp_path, run_id="reporting", space=space) == []
    assert (tmp_path / "search.html").is_file()


def test_a_key_that_the_config_does_not_have_is_refused(searching, causes, tmp_path):
    with pytest.raises(RuntimeError) as error:
        searching(tmp_path / "search", space={"lr_x": [1]})
    assert "has no key lr_x, did you mean lr_" in causes(error)
    assert not (tmp_path / "search").exists()


# space: its combinations, place of HPO17 among them
GRIDS = {"table_3_10": (27, 16), "table_5_10": (4, 0)}


@pytest.mark.parametrize("name", GRIDS)
def test_grids_of_the_thesis(name, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    parser = ConfigParser(ConfigParser.load_config_files([str(CONFIGS / "search.yaml")]))
    parser.update({"output_dir": str(tmp_path), "space": str(CONFIGS / "search" / f"{name}.yaml")})
    search = parser.get_parsed_content("search")
    assert (len(search.plan.points), search.plan.points.index(HPO17)) == GRIDS[name]
    assert search.plan.marks == {"HPO17": HPO17}


def test_ranges_are_searched_by_tpe(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    parser = ConfigParser(ConfigParser.load_config_files([str(CONFIGS / "search.yaml")]))
    ranges = str(CONFIGS / "search" / "learning_rates.yaml")
    parser.update({"output_dir": str(tmp_path), "space": ranges, "sampler": "tpe", "trials": 20})
    assert parser.get_parsed_content("search").plan.space.varying() == ["lr_g", "lr_d", "lr_e", "latent_dim"]
