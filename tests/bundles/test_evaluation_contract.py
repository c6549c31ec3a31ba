"""What users, MONAI and the model zoo rely on in the evaluation bundle (design section 3)."""

import re
from pathlib import Path

import pytest
from monai.bundle import ConfigParser, ConfigWorkflow, verify_net_in_out

import common

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "bundles" / "evaluation" / "configs"
# config → flat keys and run ids that stay
NAMES = {
    "analyse": ["datalist", "dataset_dir", "output_dir", "analysing"],
    "evaluate": [
        *("datalist", "dataset_dir", "generated_dir", "train_datalist", "extractor", "weights", "output_dir"),
        *("allow_untrained", "evaluating"),
    ],
    "reader_study": ["datalist", "generated_dir", "output_dir", "port", "seed", "reader_study", "results"],
    "train": ["datalist", "dataset_dir", "organs_dir", "output_dir", "training"],
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
    assert len(flat) >= 3
    assert [line for line in flat if "#" not in line and not line.startswith("seed")] == []


def test_monai_finds_every_property_of_the_training(phantom_dir, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    workflow = ConfigWorkflow(
        config_file=[str(CONFIGS / "train.yaml"), str(CONFIGS / "smoke.yaml")],
        workflow_type="train",
        dataset_dir=str(phantom_dir),
        output_dir=str(tmp_path),
        logging_file=False,
    )
    workflow.initialize()
    assert workflow.check_properties() == []
    assert workflow.version == common.__version__


def test_network_gives_the_shape_that_the_metadata_says(monkeypatch):
    monkeypatch.chdir(ROOT)
    meta, config = str(CONFIGS / "metadata.json"), str(CONFIGS / "train.yaml")
    verify_net_in_out("network_def", meta_file=meta, config_file=config, device="cpu")
