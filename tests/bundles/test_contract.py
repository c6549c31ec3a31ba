"""What users, MONAI, MONAI Label and the model zoo rely on, in every bundle that there is (design section 3)."""

import json
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow, verify_net_in_out

import common
from tests.lint.finding import read_config

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "bundles").glob("*/configs/**/*.yaml"))
KINDS = {"train": "train", "inference": "infer"}  # what MONAI's properties are defined for
RUN_IDS = {
    "train": "training",
    "inference": "inferring",
    "evaluate": "evaluating",
    "analyse": "analysing",
    "search": "searching",
    "nnunet_train": "training",
    "nnunet_evaluate": "evaluating",
}
HAGAN = {
    "train": [
        *("datalist", "folds", "max_steps", "batch_size", "seed", "latent_dim", "channels", "lr_g", "lr_d", "lr_e"),
        *("g_iterations", "objective", "pairing", "slab", "amp", "num_workers"),
    ],
    "inference": ["checkpoint", "num_samples", "batch_size", "seed"],
}
BASELINE_GANS = {
    "train": [
        *("datalist", "folds", "epochs", "images_per_epoch", "max_steps", "batch_size", "seed", "channels", "lr_g"),
        *("lr_d", "optimizer", "objective", "g_every", "clip", "gp_weight", "pairing", "amp", "num_workers", "fit"),
        *("zoom", "image_size", "plane_size"),
    ],
    "inference": ["checkpoint", "num_samples", "batch_size", "seed"],
}
LATENT_FLOW = {
    "train": [
        *(
            "datalist",
            "folds",
            "max_steps",
            "batch_size",
            "seed",
            "latent_channels",
            "channels",
            "sampling_steps",
            "lr",
        ),
        *("warm_up", "given_share", "mask_weight", "ema", "amp", "binary_mask", "flip", "num_workers"),
    ],
    "inference": [
        *("checkpoint", "num_samples", "batch_size", "seed", "indices", "sampling_steps", "masks", "masks_dir"),
        "temperature",
        "mask_temperature",
        "redraw",
        "redraw_temperature",
        "mask_bend",
    ],
    "dataset": ["checkpoints", "num_samples", "options", "dataset_dir"],
}
# bundle → config → flat keys and run ids that stay, beside those of every workflow
NAMES = {
    "hagan_128": HAGAN,
    "hagan_256": HAGAN,
    "baseline_gans": BASELINE_GANS,
    "latent_flow": LATENT_FLOW,
    "evaluation": {
        "analyse": ["datalist", "folds", "seed", "num_workers"],
        "evaluate": ["datalist", "generated_dir", "train_datalist", "extractor", "weights", "allow_untrained"],
        "reader_study": ["datalist", "generated_dir", "port", "seed", "serve", "results"],
        "train": ["datalist", "organs_dir"],
    },
    "segresnet_auto3dseg": {
        "train": [
            *("datalist", "fold", "generated_dir", "generated_count", "use_real", "real_fraction", "init_from"),
            *("real_count", "real_folds", "generated_share", "generated_share_end", "other_site"),
            *("binary_mask", "allow_leakage", "declared", "max_epochs", "val_interval", "batch_size", "lr"),
            *("weight_decay", "warmup_epochs", "roi_size", "spacing", "hu_window", "init_filters", "blocks_down"),
            *("dsdepth", "amp", "seed", "cache", "cache_dir", "num_workers"),
        ],
        "inference": ["checkpoint", "datalist", "folds"],
        "evaluate": ["checkpoint", "datalist", "folds"],
        "auto3dseg": ["datalist"],
        "experiment": [
            "datalist",
            "generated_dir",
            "folds",
            "seeds",
            "updates",
            "only",
            "overlays",
            "settings",
            "arms",
        ],
    },
}
# (bundle, config) → overrides beside the defaults, under which the properties must be found as well
VARIANTS = {("segresnet_auto3dseg", "train"): {"amp": "fp16"}}
# (bundle, config) → overrides for what the network takes from the data, and for how often it is called
LABEL_NAMES = {"label_names": {"0": "background", "1": "tumour"}}
WITHOUT_WEIGHTS = {"checkpoint": "none.pt"}  # the metadata describe the default network, not that of shipped weights
OF_THE_DATA = {
    ("latent_flow", "train"): {**LABEL_NAMES, "labels": 3, "sampling_steps": 1},  # 25 calls of one network
    ("latent_flow", "inference"): {"sampling_steps": 1},
    ("segresnet_auto3dseg", "train"): LABEL_NAMES,
    ("baseline_gans", "train"): {**LABEL_NAMES, "labels": 2},
}


def location(bundle, name):
    return ROOT / "bundles" / bundle / "configs" / name


def read(path):
    content = ConfigParser.load_config_file(path)
    return content if isinstance(content, dict) else {}  # a search space may be a list of combinations


# Overlays have no imports; what the table names must be there.
FOUND = {(path.parents[1].name, path.stem) for path in FILES if {"imports", "run"} <= read_config(path).keys()}
WORKFLOWS = sorted(FOUND | {(bundle, name) for bundle, names in NAMES.items() for name in names})
OF_MONAI = [(bundle, name) for bundle, name in WORKFLOWS if name in KINDS]
CHECKED = [(*case, {}) for case in OF_MONAI] + [(*case, overrides) for case, overrides in VARIANTS.items()]


@pytest.mark.parametrize(("bundle", "name"), WORKFLOWS)
def test_names_that_stay(bundle, name):
    content = read(location(bundle, f"{name}.yaml"))
    run_id = RUN_IDS.get(name, name)
    names = ["bundle_root", "dataset_dir", "output_dir", run_id, *NAMES.get(bundle, {}).get(name, [])]
    names += ["device"] if "network_def" in content else []
    assert [key for key in names if key not in content] == []
    assert content["run"] == f"@{run_id}"


@pytest.mark.parametrize(("bundle", "name", "overrides"), CHECKED, ids=str)
def test_monai_finds_every_property(bundle, name, overrides, phantom_dir, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    workflow = ConfigWorkflow(
        config_file=[str(location(bundle, f"{part}.yaml")) for part in (name, "smoke")],
        workflow_type=KINDS[name],
        dataset_dir=str(phantom_dir),
        output_dir=str(tmp_path),
        logging_file=False,
        **overrides,
    )
    workflow.initialize()
    assert workflow.check_properties() == []
    assert workflow.version == common.__version__


@pytest.mark.parametrize(("bundle", "name"), OF_MONAI)
def test_network_gives_the_shape_that_the_metadata_says(bundle, name, monkeypatch):
    """At full size, on tensors without values: 256³ would take gigabytes."""
    monkeypatch.chdir(ROOT)
    config, meta = location(bundle, f"{name}.yaml"), location(bundle, "metadata.json")
    overrides = {**WITHOUT_WEIGHTS, **OF_THE_DATA.get((bundle, name), {})}
    with torch.device("meta"):  # no weights are drawn
        verify_net_in_out("network_def", meta_file=str(meta), config_file=str(config), device="meta", **overrides)
        given, expected = (json.loads(meta.read_text())["network_data_format"][side] for side in ("inputs", "outputs"))
        network = ConfigParser({**read(config), **overrides}).get_parsed_content("network_def").to("meta").eval()
        output = network(torch.zeros(1, given["image"]["num_channels"], *given["image"]["spatial_shape"]))
    assert output.shape == (1, expected["pred"]["num_channels"], *expected["pred"]["spatial_shape"])
