"""`run training`, `run evaluating` and `run sanity` of the evaluation bundle, for real, at a tiny size."""

import csv
import json
import re
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from common.data.datalist import read_datalist, select_cases

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "bundles" / "evaluation" / "configs"
SCORES = ("fid", "kid", "mmd", "precision", "recall", "density", "coverage", "inception")
VIEWS = ("pair", "image", "mask")


@pytest.fixture
def workflow(tmp_path, phantom_dir, generated_dir, run_workflow):
    """Function (configs, **overrides) -> output folder of a workflow with the smoke overlay, run in this process."""

    def run(*names, **overrides):
        defaults = {"dataset_dir": str(phantom_dir), "output_dir": str(tmp_path / names[-1])}
        if names[0] == "evaluate":
            defaults |= {"generated_dir": str(generated_dir), "folds": "everything"}
        return run_workflow("evaluation", [*names, "smoke"], **{**defaults, **overrides})

    return run


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory, phantom_dir, generated_dir, bundle_command, run_command):
    """Folder of an evaluation run as a user runs it, with an extractor trained as a user trains it."""
    out = tmp_path_factory.mktemp("evaluated")
    options = {"bundle": "evaluation", "dataset_dir": phantom_dir}
    commands = [
        bundle_command("training", ["train", "smoke"], output_dir=out / "train", cache="disk", **options),
        bundle_command(
            "evaluating",
            ["evaluate", "smoke"],
            output_dir=out / "report",
            generated_dir=generated_dir,
            folds="everything",
            weights=out / "train" / "model.pt",
            losses=out / "train" / "losses.csv",
            **options,
        ),
    ]
    for command in commands:
        done = run_command(command)
        assert done.returncode == 0, done.stderr
    return out


def test_the_extractor_is_trained_and_its_dice_written(evaluated, phantom_dir):
    content = torch.load(evaluated / "train" / "model.pt", weights_only=True)
    assert content["settings"]["organs"] == ["tumour", "lymph node"]
    assert len(content["training"]["case_ids"]) == len(read_datalist(phantom_dir / "datalist.json")["training"])
    dice = json.loads((evaluated / "train" / "organ_dice.json").read_text())
    assert set(dice["dice"]) == {"tumour", "lymph node"}
    losses = list(csv.DictReader((evaluated / "train" / "losses.csv").open()))
    assert len(losses) == 4 and all(float(row["loss"]) > 0 for row in losses)


def test_every_score_has_its_floor_interval_and_protocol(evaluated):
    metrics = json.loads((evaluated / "report" / "metrics.json").read_text())
    rows = metrics["scores"]
    assert {f"{score}/{view}/organs" for score in SCORES for view in VIEWS} <= set(rows)
    row = rows["fid/pair/organs"]
    assert (row["n_real"], row["n_generated"], row["floor"]["n"]) == (10, 6, 5)
    assert row["interval"][0] <= row["value"] <= row["interval"][1]
    assert row["protocol"] == metrics["protocol"]["hash"]
    assert rows["memorisation/volumes"]["n_held_out"] == 2
    assert rows["mask/label_1/present"]["real_mean"] > 0.5
    unknown, seen = metrics["warnings"]
    assert "nothing tells how the generator's training prepared its volumes" in unknown
    assert "8 of the 10 real cases were in the generator's training" in seen


def test_the_page_is_whole_and_alone(evaluated):
    page = (evaluated / "report" / "report.html").read_text()
    sections = re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    assert sections == [
        *("Verdict", "Volumes", "Fidelity", "Diversity", "Masks", "Memorisation", "Embedding"),
        *("Losses of the training", "Protocol"),
    ]
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    figures = {path.name for path in (evaluated / "report" / "figures").iterdir()}
    assert figures >= {"scores.png", "mask_positions.png", "closest_organs.png", "tsne_organs_origin.png", "losses.png"}


def test_missing_weights_stop_before_any_volume_is_read(workflow, tmp_path):
    with pytest.raises(RuntimeError) as error:
        workflow("evaluate", weights=str(tmp_path / "none.pt"))
    causes = list(map(str, _causes(error.value)))
    assert any("no weights for the extractor 'organs'" in cause and "run training" in cause for cause in causes)
    assert not (tmp_path / "evaluate" / "metrics.json").exists()


def test_untrained_extractors_must_be_asked_for_and_stamp_everything(workflow, tmp_path):
    out = workflow("evaluate", weights=str(tmp_path / "none.pt"), allow_untrained=True, feature_size=[16, 16, 16])
    metrics = json.loads((out / "metrics.json").read_text())
    assert all(row["untrained"] for row in metrics["scores"].values())
    assert "UNTRAINED EXTRACTOR" in (out / "report.html").read_text()


def test_a_set_of_images_alone_is_scored_by_its_images(workflow, evaluated, generated_dir, tmp_path):
    folder = tmp_path / "images_only"
    shutil.copytree(generated_dir / "images", folder / "images")
    shutil.copy(generated_dir / "provenance.json", folder)
    content = json.loads((generated_dir / "dataset.json").read_text())
    for entry in content["training"]:
        del entry["label"]
    (folder / "dataset.json").write_text(json.dumps(content))
    options = {"weights": str(evaluated / "train" / "model.pt"), "sections": ["fidelity", "masks"]}
    out = workflow("evaluate", generated_dir=str(folder), **options)
    rows = json.loads((out / "metrics.json").read_text())["scores"]
    assert {key.split("/")[1] for key in rows if key.startswith("fid")} == {"image"}
    assert not [key for key in rows if key.startswith("mask/")]


def test_copies_of_training_cases_are_found(workflow, evaluated, phantom_dir, generated_dir, tmp_path):
    """A 'generator' that returns its training cases on the generated grid."""
    folder = tmp_path / "copies"
    shutil.copytree(generated_dir, folder)
    cases = select_cases(read_datalist(phantom_dir / "datalist.json"), dataset_dir=phantom_dir)
    for number, case in enumerate(cases[:6]):
        image = nib.load(case["image"])
        clipped = np.asarray(image.dataobj).clip(-1024, 600).astype(np.int16)
        nib.save(nib.Nifti1Image(clipped, image.affine), folder / "images" / f"generated_{number:05d}.nii.gz")
    options = {"weights": str(evaluated / "train" / "model.pt"), "sections": ["copies"]}
    out = workflow("evaluate", generated_dir=str(folder), **options)
    rows = json.loads((out / "metrics.json").read_text())["scores"]
    assert rows["memorisation/volumes"]["copy_rate"] == 1
    assert rows["memorisation/volumes"]["probability_nearer"] == 1


def test_a_set_of_other_data_is_scored_without_memorisation_which_says_why(
    workflow, evaluated, generated_dir, phantom_dir, tmp_path
):
    """Pairs of a shipped model beside a user's own list: none of the training cases is in it."""
    folder = tmp_path / "others"
    shutil.copytree(generated_dir, folder)
    provenance = json.loads((folder / "provenance.json").read_text())
    provenance["training"]["case_ids"] = [f"other_{i}" for i in range(8)]
    (folder / "provenance.json").write_text(json.dumps(provenance))
    options = {"weights": str(evaluated / "train" / "model.pt"), "sections": ["fidelity", "copies"]}
    out = workflow("evaluate", generated_dir=str(folder), **options)
    metrics, page = json.loads((out / "metrics.json").read_text()), (out / "report.html").read_text()
    why = f"none of the 8 cases that the generator was trained on, such as other_0, is in {phantom_dir}/datalist.json"
    assert any(warning.startswith(why) for warning in metrics["warnings"])
    assert f"Left out: {why}" in page and "no provenance" not in page
    assert {key.split("/")[0] for key in metrics["scores"]} >= {"fid"}
    assert not [key for key in metrics["scores"] if key.startswith("memorisation")]


def test_sanity_scores_every_change(workflow, evaluated):
    out = workflow("evaluate", "sanity", weights=str(evaluated / "train" / "model.pt"), replicates=4, neighbours=1)
    rows = {
        (r["change"], r["score"], r["view"]): float(r["value"]) for r in csv.DictReader((out / "sanity.csv").open())
    }
    changes = {change for change, _, _ in rows}
    assert changes == {"none", "blurred", "noisy", "pure noise", "mirrored", "masks shuffled"}
    assert rows["pure noise", "fid", "image"] > rows["blurred", "fid", "image"] > rows["none", "fid", "image"]
    assert rows["masks shuffled", "fid", "image"] == pytest.approx(rows["none", "fid", "image"])


def _causes(error):
    while error is not None:
        yield error
        error = error.__cause__
