"""Weights with what is needed to build their network and to know where they come from, in one file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from ..data.list_entries import plain_ids
from ..files import file_sha256, read_json
from ..torch_file import read_torch, write_torch


def write_model_file(
    path: str | Path, network: nn.Module, *, settings: Mapping[str, Any], training: Mapping[str, Any]
) -> None:
    """Write ``{"model": state_dict on the CPU, "settings": …, "training": …}``, whole or not at all; plain values.

    In the place of an exported bundle's weights it says all itself, so the JSON beside those goes.
    """
    state = {name: value.detach().cpu() for name, value in network.state_dict().items()}
    write_torch({"model": state, "settings": dict(settings), "training": dict(training)}, path)
    if "source_sha256" in _beside(path):
        Path(path).with_suffix(".json").unlink()


def read_model_file(path: str | Path) -> dict[str, Any]:
    """Content of a file that `write_model_file` wrote, on the CPU; or of the two that an exported bundle has instead.

    Those are a bare state dict, and beside it the rest as JSON.

    Raises:
        FileNotFoundError: There is none; the message says how to get one.
        ValueError: It is damaged, or something else.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"no trained model at {path}: train one (`run training`, which leaves output_dir/model.pt) and name it "
            "with --checkpoint"
        )
    content = read_torch(path, mmap=True)  # weights are read when used
    if not isinstance(content, dict):
        raise ValueError(
            f"{path} holds a {type(content).__name__}, expected a dictionary with model, settings and training: name "
            "the model.pt of a training here with --checkpoint"
        )
    if "model" not in content and (beside := _beside(path)):
        content = {"model": content, **beside}
    missing = {"model", "settings", "training"} - set(content)
    if missing:
        raise ValueError(
            f"{path} has the keys {sorted(map(str, content))[:5]}, expected model, settings and training: name the "
            "model.pt of a training here, not a checkpoint or a bare state dict (those of exported bundles have a "
            ".json beside them)"
        )
    settings, training = content["settings"], content["training"]
    if not isinstance(settings, dict) or not isinstance(training, dict):
        raise ValueError(
            f"{path} has settings {settings!r:.80} and training {training!r:.80}, expected what the network is and "
            "what it was trained on, two dictionaries: train again, or name another --checkpoint"
        )
    remedy = "the guards against leakage need it: train again, or name another --checkpoint"
    for key in ("case_ids", "generator_case_ids"):
        if key in training:
            training = {
                **training,
                key: plain_ids(training[key], key=f"training.{key}", where=str(path), remedy=remedy),
            }
    if "centre_bounds" in settings:  # a segmenter of before the crop was a setting: it was the body's box
        settings = {"crop": "body", **settings}
    return {"model": content["model"], "settings": settings, "training": training}


def weights_sha256(path: str | Path) -> str:
    """SHA-256 of the model file that a training left; an exported one remembers it, so that both go by one name."""
    known = _beside(path)
    return known["source_sha256"] if "source_sha256" in known else file_sha256(path)


def read_settings(path: str | Path, **stand_ins: Any) -> dict[str, Any]:
    """What the model file says: its settings, and the ``spacing`` of its volumes, in mm.

    Args:
        path: Of the model file.
        stand_ins: Values of what it does not say, and of all where there is no file yet: configs are read, and their
            network is built, before anything is trained.

    Raises:
        ValueError: The stand-ins name a ``network`` and the file holds another one.
    """
    if not Path(path).is_file():
        return stand_ins
    content = read_model_file(path)
    expected, found = (settings.get("network") for settings in (stand_ins, content["settings"]))
    if expected is not None and found != expected:
        raise ValueError(
            f"{path} holds the weights of a network '{found}', this configuration builds '{expected}': add the overlay "
            f"of '{found}' to --config_file, leave that of '{expected}' out, or name another --checkpoint"
        )
    if "spacing" not in content["training"]:
        raise ValueError(
            f"{path} has no spacing under training, expected the mm of its volumes: train again, or name another "
            "--checkpoint"
        )
    return {**stand_ins, **content["settings"], "spacing": content["training"]["spacing"]}


def _beside(path: str | Path) -> dict[str, Any]:
    """Content of the JSON file that an exported bundle has beside its weights."""
    beside = Path(path).with_suffix(".json")
    if not beside.is_file():
        return {}
    remedy = "export the bundle again, or take the weights' own file"
    content = read_json(beside, remedy=remedy)
    if not isinstance(content, dict):
        raise ValueError(f"{beside} holds {content!r:.80}, expected the settings and training of {path}: {remedy}")
    return content
