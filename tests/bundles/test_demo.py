"""The commands of `make demo`, as the Makefile has them, each run for real with tiny sizes."""

import json
import shlex
import subprocess
from pathlib import Path

import nibabel as nib
import pytest
import torch
import yaml
from monai.bundle import ConfigParser
from monai.transforms import LoadImaged

from common.data.datalist import read_datalist
from common.transforms import CentreBoundsCropd

ROOT = Path(__file__).parents[2]
CROP = "bundles/hagan_128/configs/phantom_crop.yaml"
SEGMENTATION = "bundles/segresnet_auto3dseg/configs"
ORDER = ["training", "inferring", "analysing", "evaluating", "experiment"]


@pytest.fixture(scope="module")
def commands(phantom_dir, tmp_path_factory):
    """Workflow → its options, read from what make would run; folders are those of the test."""
    printed = subprocess.run(
        ["make", "-n", "demo", "DATA=phantom"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    lines = [line for line in printed.replace("\\\n", " ").splitlines() if "-m monai.bundle run" in line]
    lines = [line for line in lines if not line.startswith("echo")]  # which says what to run next
    output = str(tmp_path_factory.mktemp("demo"))
    found = {}
    for line in lines:
        words = shlex.split(line.replace("data/phantom-large", str(phantom_dir)).replace("output/demo-phantom", output))
        run_id, *options = words[words.index("run") + 1 :]
        found[run_id] = {key.removeprefix("--"): value for key, value in zip(options[::2], options[1::2], strict=True)}
    return found


@pytest.fixture(scope="module")
def finished(commands, run_files, trainings_here):
    """Output folder of the demo; its commands one after the other, with the sizes of the smoke overlays."""
    tiny = {"inferring": {"num_samples": 16}}  # as many as its arms want
    tiny["experiment"] = {"settings": {"max_epochs": 1}, "evaluate_settings": {}, "replicates": 20}
    for run_id, options in commands.items():
        options = options | tiny.get(run_id, {})
        files = options.pop("config_file")
        files = yaml.safe_load(files) if files.startswith("[") else [files]
        if run_id == "experiment":
            options["overlays"] = [*yaml.safe_load(options.get("overlays", "[]")), f"{SEGMENTATION}/smoke.yaml"]
        else:
            files.append(f"{Path(files[0]).parent}/smoke.yaml")
        run_files([ROOT / file for file in files], run_id=run_id, pictures="small", **options)
    return Path(commands["training"]["output_dir"])


def test_the_demo_is_five_workflows_with_the_recommended_overlay(commands):
    assert list(commands) == ORDER
    assert "few_cases.yaml" in commands["training"]["config_file"]


def test_the_same_crop_in_training_evaluation_and_segmentation(finished, commands):
    """The training names it; the pairs carry it to the others."""
    assert [run_id for run_id, options in commands.items() if CROP in str(options)] == ["training"]
    config = ConfigParser()
    config.read_config(ROOT / CROP)
    bounds = config.get_parsed_content("centre_bounds")
    metrics = json.loads((finished / "evaluation" / "metrics.json").read_text())
    assert metrics["protocol"]["volumes"]["real"]["preprocessing"]["centre_bounds"] == bounds
    models = sorted((finished / "segmentation").glob("*/seed_0/all/model.pt"))
    assert len(models) == 2
    for model in models:
        assert torch.load(model, weights_only=True)["settings"]["centre_bounds"] == bounds, model


def test_every_page_that_make_names_is_there(finished):
    text = (ROOT / "Makefile").read_text()
    pages = [line.split("$(DEMO)/")[1].split()[0].rstrip(",") for line in text.splitlines() if '"  $(DEMO)/' in line]
    assert len(pages) == 7
    for page in pages:
        assert (finished / page).exists(), page


def test_generated_masks_are_binary_and_of_the_necks_size(finished, commands):
    generated = finished / "generated"
    assert json.loads((generated / "dataset.json").read_text())["labels"]["1"] == "tumour or lymph node"
    real = nib.load(next((Path(commands["training"]["dataset_dir"]) / "images").glob("*.nii.gz")))
    made = nib.load(next((generated / "images").glob("*.nii.gz")))
    width, whole = (volume.shape[0] * volume.header.get_zooms()[0] for volume in (made, real))
    assert width == pytest.approx(0.64 * whole, rel=0.15)  # x from 0.18 to 0.82, of centres with other fields of view


def test_the_crop_cuts_no_lesion_of_the_phantoms(phantom_dir):
    config = ConfigParser()
    config.read_config(ROOT / CROP)
    crop = CentreBoundsCropd(["image", "label"], bounds=config.get_parsed_content("centre_bounds"), default="error")
    load = LoadImaged(["image", "label"], ensure_channel_first=True)
    cases = read_datalist(phantom_dir / "datalist.json")
    for case in [*cases["training"], *cases["testing"]]:
        whole = load({**case, "image": phantom_dir / case["image"], "label": phantom_dir / case["label"]})
        neck = crop(whole)
        assert (neck["label"] > 0).sum() == (whole["label"] > 0).sum() > 0, case["case_id"]
        assert neck["label"].numel() < 0.4 * whole["label"].numel()
