"""What an export's metadata say of the weights in it, which need not be those of the bundle's default network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser

from ..files import read_json
from .check_files import CONFIGS

_RECORD = ("bundle", "seed", "datalist_sha256", "step")  # as far as a training wrote them
_NOTE = "network_data_format is that of the network in models/model.pt, found by running it"
_OVERLAY = "network_data_format is that of the default network: inference needs the overlay of '{}', see docs/README.md"


def describe_weights(metadata: Mapping[str, Any], bundle: Path) -> dict[str, Any]:
    """`metadata` with ``network_data_format`` of the weights in a bundle, and ``weights``: how they were trained.

    Without ``models/model.pt`` they are what they were. The command stays only where the checkout's metadata name it
    beside the SHA-256 of these very weights.

    Args:
        metadata: Of the checkout; they describe the default network.
        bundle: Folder of the export, with configs and models.
    """
    others = {key: value for key, value in metadata.items() if key != "weights"}
    beside = bundle / "models" / "model.json"
    if not beside.is_file():
        return others
    remedy = "take the file that `model.pt` came with, or remove it"
    known = metadata.get("weights", {})
    content = read_json(beside, remedy=remedy, keys=("training", "source_sha256", "settings"))
    training, sha256 = content["training"], content["source_sha256"]
    record = {key: training[key] for key in _RECORD if key in training}
    record |= {"cases": len(training["case_ids"])} if "case_ids" in training else {}
    command = {"command": known["command"]} if known.get("sha256") == sha256 else {}
    note, data_format = _data_format(metadata["network_data_format"], bundle, content["settings"].get("network"))
    weights = {"note": note, "sha256": sha256, **record, **command}
    return {**others, "network_data_format": data_format, "weights": weights}


def _data_format(known: Mapping[str, Any], bundle: Path, network: str | None) -> tuple[str, Mapping[str, Any]]:
    """A sentence, and `known` with channels and shapes of the network that the bundle builds for its model file."""
    path = next(path for name in CONFIGS if (path := bundle / "configs" / name).is_file())
    parser = ConfigParser(ConfigParser.load_config_file(path))
    if network != parser.get("network_settings", {}).get("network"):
        return _OVERLAY.format(network), known
    parser["checkpoint"] = str(bundle / "models" / "model.pt")
    with torch.device("meta"):  # shapes without values
        declared = parser.get_parsed_content("network_format")
        output = parser.get_parsed_content("network_def").eval()(torch.zeros(1, *declared["input_shape"]))
    channels = {str(number): name for number, name in enumerate(declared["output_channels"])}
    image = {**known["inputs"]["image"], **_shape(declared["input_shape"])}
    pred = {**known["outputs"]["pred"], **_shape(output.shape[1:]), "channel_def": channels}
    return _NOTE, {"inputs": {"image": image}, "outputs": {"pred": pred}}


def _shape(shape: torch.Size | list[int]) -> dict[str, Any]:
    return {"num_channels": shape[0], "spatial_shape": list(shape[1:])}
