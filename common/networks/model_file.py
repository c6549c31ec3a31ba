"""Weights with what is needed to build their network and to know where they come from, in one file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..files import file_sha256, replacing


def write_model_file(
    path: str | Path, network: nn.Module, *, settings: Mapping[str, Any], training: Mapping[str, Any]
) -> None:
    """Write ``{"model": state_dict on the CPU, "settings": …, "training": …}``, whole or not at all; plain values.

    In the place of an exported bundle's weights it says all itself, so the JSON beside those goes.
    """
    state = {name: value.detach().cpu() for name, value in network.state_dict().items()}
    with replacing(path) as temporary:
        torch.save({"model": state, "settings": dict(settings), "training": dict(training)}, temporary)
    if "source_sha256" in _beside(path):
        Path(path).with_suffix(".json").unlink()


def read_model_file(path: str | Path) -> dict[str, Any]:
    """Content of a file that `write_model_file` wrote, on the CPU; or of the two that an exported bundle has instead.

    Those are a bare state dict, and beside it the rest as JSON.

    Raises:
        FileNotFoundError: There is none; the message says how to get one.
        ValueError: It is something else.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"no trained model at {path}: train one (`run training`, which leaves output_dir/model.pt) and name it "
            "with --checkpoint"
        )
    content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)  # weights are read when used
    if "model" not in content and (beside := _beside(path)):
        content = {"model": content, **beside}
    missing = {"model", "settings", "training"} - set(content)
    if missing:
        raise ValueError(
            f"{path} has the keys {sorted(content)[:5]}, expected model, settings and training: name the model.pt of a "
            f"training here, not a checkpoint or a bare state dict (those of exported bundles have a .json beside them)"
        )
    return {key: content[key] for key in ("model", "settings", "training")}


def weights_sha256(path: str | Path) -> str:
    """SHA-256 of the model file that a training left; an exported one remembers it, so that both go by one name."""
    known = _beside(path)
    return known["source_sha256"] if "source_sha256" in known else file_sha256(path)


def read_settings(path: str | Path, *, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """`defaults`, replaced by what the model file says, where it is there: its settings and the training spacing.

    Raises:
        ValueError: `defaults` names a ``network`` and the file holds another one.
    """
    if not Path(path).is_file():
        return dict(defaults)
    content = read_model_file(path)
    expected, found = (settings.get("network") for settings in (defaults, content["settings"]))
    if expected is not None and found != expected:
        raise ValueError(
            f"{path} holds the weights of a network '{found}', this configuration builds '{expected}': add the overlay "
            f"of '{found}' to --config_file, leave that of '{expected}' out, or name another --checkpoint"
        )
    return {**defaults, **content["settings"], "spacing": content["training"]["spacing"]}


def _beside(path: str | Path) -> dict[str, Any]:
    """Content of the JSON file that an exported bundle has beside its weights."""
    beside = Path(path).with_suffix(".json")
    return json.loads(beside.read_text()) if beside.is_file() else {}
