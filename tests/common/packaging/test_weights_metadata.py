"""Metadata of exported weights, for files that hold settings and no weights: shapes are found without values."""

import json
import shutil

import pytest
import torch

from common.packaging.export import CHECKOUT
from common.packaging.weights_metadata import describe_weights

SMALL = {"image_size": [32, 32, 16], "latent_dim": 16, "channels": 8}
UNET = {"network": "unet", "image_size": [16, 16, 8], "channels": 4, "blocks": 2, "pairing": "channels"}
FLOW = {"network": "latent_flow", "image_size": [32, 16, 16], "latent_channels": 4, "channels": [8, 16]}
SEGRESNET = {
    **{"network": "segresnet_ds", "init_filters": 4, "blocks_down": [1, 1], "dsdepth": 1, "roi_size": [16, 16, 8]},
    "label_names": {"0": "air", "1": "tumour", "2": "node"},
}
PLAIN = "image, then mask, along the last axis"
# bundle, settings → shape of the network's input, shape of its output, its channels
CASES = [
    ("hagan_128", SMALL, [16], [1, 32, 32, 32], [PLAIN]),
    ("hagan_256", {**SMALL, "conditions": {"names": ["a", "b"]}}, [18], [1, 32, 32, 32], [PLAIN]),
    ("baseline_gans", UNET, [16 * 16 * 8], [2, 16, 16, 8], ["image", "mask"]),
    ("latent_flow", FLOW, [(4 + 16) * 8 * 4 * 4], [2, 32, 16, 16], ["image", "mask"]),
    ("segresnet_auto3dseg", SEGRESNET, [1, 16, 16, 8], [3, 16, 16, 8], ["air", "tumour", "node"]),
    (
        "evaluation",
        {"kind": "organs", "organs": ["lung"], "widths": [4, 4, 8, 8]},
        [1, 128, 128, 64],
        [1, 128, 128, 64],
        ["lung"],
    ),
]
TRAINING = {"spacing": [1, 1, 1], "seed": 3, "case_ids": ["a", "b"], "datalist_sha256": "d" * 64}


@pytest.fixture
def exported(tmp_path):
    """Function (bundle, settings) -> metadata of the checkout, folder with its configs and a file of such weights."""

    def make(name, settings):
        source = CHECKOUT / "bundles" / name / "configs"
        shutil.copytree(source, tmp_path / "configs")
        (tmp_path / "models").mkdir()
        torch.save({}, tmp_path / "models" / "model.pt")
        beside = {"settings": settings, "training": TRAINING, "source_sha256": "f" * 64}
        (tmp_path / "models" / "model.json").write_text(json.dumps(beside))
        return json.loads((source / "metadata.json").read_text()), tmp_path

    return make


@pytest.mark.parametrize(("name", "settings", "given", "found", "channels"), CASES, ids=[case[0] for case in CASES])
def test_shapes_and_channels_are_those_of_the_weights(name, settings, given, found, channels, exported):
    metadata, bundle = exported(name, settings)
    sides = describe_weights(metadata, bundle)["network_data_format"]
    image, pred = sides["inputs"]["image"], sides["outputs"]["pred"]
    assert [image["num_channels"], *image["spatial_shape"]] == given
    assert [pred["num_channels"], *pred["spatial_shape"]] == found
    assert list(pred["channel_def"].items()) == [(str(number), channel) for number, channel in enumerate(channels)]
    assert (image["dtype"], pred["dtype"]) == ("float32", "float32")


def test_the_record_goes_in_and_the_command_of_these_weights_alone(exported):
    metadata, bundle = exported("hagan_128", SMALL)
    for sha256, command in (("f" * 64, {"command": "train"}), ("e" * 64, {})):
        weights = describe_weights({**metadata, "weights": {"sha256": sha256, "command": "train"}}, bundle)["weights"]
        assert weights.pop("note").startswith("network_data_format is that of the network in models/model.pt")
        assert weights == {"sha256": "f" * 64, "seed": 3, "datalist_sha256": "d" * 64, "cases": 2, **command}


def test_weights_that_need_an_overlay_say_so(exported):
    metadata, bundle = exported("baseline_gans", {**UNET, "network": "fastgan"})
    described = describe_weights(metadata, bundle)
    assert described["network_data_format"] == metadata["network_data_format"]
    assert "inference needs the overlay of 'fastgan'" in described["weights"]["note"]


def test_without_weights_nothing_changes(exported):
    metadata, bundle = exported("hagan_128", SMALL)
    (bundle / "models" / "model.json").unlink()
    plain = {key: value for key, value in metadata.items() if key != "weights"}  # the checkout's name those it ships
    assert describe_weights({**plain, "weights": {"sha256": "f" * 64}}, bundle) == plain
