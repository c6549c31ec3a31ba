"""What users, MONAI and the model zoo rely on (design section 3), for both sizes."""

import re
from itertools import zip_longest
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow, verify_net_in_out

import common

ROOT = Path(__file__).parents[2]
BUNDLES = ("hagan_128", "hagan_256")
TRAIN_KEYS = [
    *("dataset_dir", "datalist", "folds", "output_dir", "max_steps", "batch_size", "seed", "latent_dim", "channels"),
    *("lr_g", "lr_d", "lr_e", "g_iterations", "objective", "pairing", "slab", "amp", "num_workers"),
]
INFERENCE_KEYS = ["checkpoint", "output_dir", "num_samples", "batch_size", "seed"]
WORKFLOWS = {"train": ("train", TRAIN_KEYS, "training"), "inference": ("infer", INFERENCE_KEYS, "inferring")}


def config(bundle, name):
    return ROOT / "bundles" / bundle / "configs" / name


def read(bundle, name):
    parser = ConfigParser()
    parser.read_config(config(bundle, name))
    return parser.config


@pytest.mark.parametrize("bundle", BUNDLES)
@pytest.mark.parametrize("name", WORKFLOWS)
def test_names_that_stay(bundle, name):
    content = read(bundle, f"{name}.yaml")
    _, keys, run_id = WORKFLOWS[name]
    assert not [key for key in [*keys, "bundle_root", "device", "dataset_dir", run_id, "run"] if key not in content]


@pytest.mark.parametrize("bundle", BUNDLES)
@pytest.mark.parametrize("name", WORKFLOWS)
def test_configs_are_short_and_every_number_says_where_it_comes_from(bundle, name):
    lines = config(bundle, f"{name}.yaml").read_text().splitlines()
    assert len(lines) <= 200
    assert max(map(len, lines)) <= 120
    flat = [line for line in lines if re.match(r"[a-z_]+: +(-?[\d.]+|\[[-\d., ]+\])( |$)", line)]
    bare = [line for line in flat if "#" not in line and not line.startswith("seed")]
    assert len(flat) >= (2 if name == "inference" else 15)
    assert bare == []


@pytest.mark.parametrize(
    "name", ["train.yaml", "inference.yaml", "evaluate.yaml", "multi_gpu_train.yaml", "smoke.yaml"]
)
def test_the_two_sizes_differ_in_numbers_only(name):
    def shape(bundle):
        text = config(bundle, name).read_text().replace(bundle, "BUNDLE")
        return [re.sub(r"[\d.]+", "N", re.sub(r" *#.*", "", line)) for line in text.splitlines()]

    differing = [pair for pair in zip_longest(shape(BUNDLES[0]), shape(BUNDLES[1])) if pair[0] != pair[1]]
    assert differing == []


@pytest.mark.parametrize("bundle", BUNDLES)
@pytest.mark.parametrize("name", WORKFLOWS)
def test_monai_finds_every_property(bundle, name, phantom_dir, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    kind = WORKFLOWS[name][0]
    workflow = ConfigWorkflow(
        config_file=[str(config(bundle, f"{name}.yaml")), str(config(bundle, "smoke.yaml"))],
        workflow_type=kind,
        dataset_dir=str(phantom_dir),
        output_dir=str(tmp_path),
        logging_file=False,
    )
    workflow.initialize()
    assert workflow.check_properties() == []
    assert workflow.version == common.__version__


def test_network_gives_the_shape_that_the_metadata_says(monkeypatch):
    """hagan_128 at full size; 256³ is the same code with one more stage and takes gigabytes."""
    monkeypatch.chdir(ROOT)
    meta = str(config("hagan_128", "metadata.json"))
    verify_net_in_out(
        "network_def", meta_file=meta, config_file=str(config("hagan_128", "inference.yaml")), device="cpu"
    )
    parser = ConfigParser()
    parser.read_config(config("hagan_128", "inference.yaml"))
    parser.read_meta(meta)
    with torch.no_grad():
        output = parser.get_parsed_content("network_def")(torch.zeros(1, 1024))
    expected = parser["_meta_"]["network_data_format"]["outputs"]["pred"]
    assert output.shape == (1, expected["num_channels"], *expected["spatial_shape"])
