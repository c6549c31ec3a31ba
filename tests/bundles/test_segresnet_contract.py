"""What users, MONAI, MONAI Label and the model zoo rely on in the segmentation bundle (design section 3)."""

import json
import re
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow, verify_net_in_out

import common

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "bundles" / "segresnet_auto3dseg" / "configs"
# config → flat keys and run ids that stay
NAMES = {
    "train": [
        *("dataset_dir", "datalist", "fold", "generated_dir", "generated_count", "use_real", "real_fraction"),
        *("init_from", "binary_mask", "allow_leakage", "declared", "max_epochs", "val_interval", "batch_size", "lr"),
        *("weight_decay", "warmup_epochs", "roi_size", "spacing", "hu_window", "init_filters", "blocks_down"),
        *("dsdepth", "amp", "seed", "cache", "cache_dir", "num_workers", "output_dir", "device", "training"),
    ],
    "inference": ["checkpoint", "datalist", "dataset_dir", "folds", "output_dir", "device", "inferring"],
    "evaluate": ["checkpoint", "datalist", "dataset_dir", "folds", "output_dir", "device", "evaluating"],
}


@pytest.mark.parametrize("name", NAMES)
def test_names_that_stay(name):
    parser = ConfigParser()
    parser.read_config(CONFIGS / f"{name}.yaml")
    assert not [key for key in [*NAMES[name], "bundle_root", "run"] if key not in parser.config]


@pytest.mark.parametrize("name", NAMES)
def test_configs_are_short_and_every_number_says_where_it_comes_from(name):
    lines = (CONFIGS / f"{name}.yaml").read_text().splitlines()
    assert len(lines) <= 200
    assert max(map(len, lines)) <= 120
    flat = [line for line in lines if re.match(r"[a-z_]+: +(-?[\d.]+|\[[-\d., ]+\])( |$)", line)]
    assert len(flat) >= 2
    assert [line for line in flat if "#" not in line and not line.startswith("seed")] == []


@pytest.mark.parametrize(("name", "kind"), [("train", "train"), ("inference", "infer"), ("train_fp16", "train")])
def test_monai_finds_every_property(name, kind, phantom_dir, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    name, *amp = name.split("_")
    workflow = ConfigWorkflow(
        config_file=[str(CONFIGS / f"{name}.yaml"), str(CONFIGS / "smoke.yaml")],
        workflow_type=kind,
        dataset_dir=str(phantom_dir),
        output_dir=str(tmp_path),
        logging_file=False,
        **({"amp": amp[0]} if amp else {}),
    )
    workflow.initialize()
    assert workflow.check_properties() == []
    assert workflow.version == common.__version__


@pytest.mark.parametrize("name", ["train", "inference"])
def test_network_gives_the_shape_that_the_metadata_says(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    meta, config = str(CONFIGS / "metadata.json"), str(CONFIGS / f"{name}.yaml")
    overrides = {"label_names": {"0": "background", "1": "tumour"}} if name == "train" else {}
    verify_net_in_out("network_def", meta_file=meta, config_file=config, device="cpu", **overrides)


def test_the_network_is_that_of_auto3dseg(monkeypatch):
    """Parameters of SegResNetDS(init_filters=32, blocks_down=(1, 2, 2, 4, 4), dsdepth=4, 2 classes), counted."""
    monkeypatch.chdir(ROOT)
    parser = ConfigParser()
    parser.read_config(CONFIGS / "inference.yaml")
    network = parser.get_parsed_content("network_def")
    assert sum(p.numel() for p in network.parameters()) == 87_164_200
    network.train()
    with torch.no_grad():
        outputs = network(torch.zeros(1, 1, 32, 32, 32))
    assert [tuple(output.shape[2:]) for output in outputs] == [(32,) * 3, (16,) * 3, (8,) * 3, (4,) * 3]


def test_preprocessing_is_the_same_in_training_inference_and_evaluation():
    def steps(name, path):
        parser = ConfigParser()
        parser.read_config(CONFIGS / f"{name}.yaml")
        return [step["_target_"] for step in parser[path]]

    training = steps("train", "train::deterministic_transforms")
    of_image = [name for name in training if name not in ("AsDiscreted", "SelectItemsd")][
        :-1
    ]  # the last is the label's
    assert steps("inference", "preprocessing::transforms") == of_image
    assert steps("evaluate", "preprocessing::transforms") == of_image


def test_metadata_names_the_labels_as_the_default_network_has_them():
    metadata = json.loads((CONFIGS / "metadata.json").read_text())
    parser = ConfigParser()
    parser.read_config(CONFIGS / "inference.yaml")
    output = metadata["network_data_format"]["outputs"]["pred"]
    assert output["channel_def"] == parser["defaults::label_names"]
    assert output["num_channels"] == len(output["channel_def"])
    assert metadata["network_data_format"]["inputs"]["image"]["spatial_shape"] == parser["defaults::roi_size"]
