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
        ValueError: The file holds another ``network`` than the stand-ins name, or model of another ``kind``.
    """
    if not Path(path).is_file():
        return stand_ins
    content = read_model_file(path)
    if stand_ins:
        _require_same_network(content["settings"], stand_ins, path=path)
    if "spacing" not in content["training"]:
        raise ValueError(
            f"{path} has no spacing under training, expected the mm of its volumes: train again, or name another "
            "--checkpoint"
        )
    return {**stand_ins, **content["settings"], "spacing": content["training"]["spacing"]}


def _require_same_network(found: Mapping[str, Any], expected: Mapping[str, Any], *, path: str | Path) -> None:
    """Names that one side lacks are other ones: the first kind of model here, HA-GAN, has none."""
    if found.get("kind") != expected.get("kind"):
        kinds = (
            f"of the kind {side['kind']}" if "kind" in side else "a generator's or segmenter's"
            for side in (found, expected)
        )
        raise ValueError("{} is {}, expected one {}: name another --checkpoint".format(path, *kinds))
    names = [side.get("network") for side in (found, expected)]
    if names[0] == names[1]:
        return
    if None in names:
        held, built = (f"a network '{name}'" if name else "another kind of network" for name in names)
        raise ValueError(
            f"{path} holds the weights of {held}, this configuration builds {built}: name another --checkpoint"
        )
    raise ValueError(
        f"{path} holds the weights of a network '{names[0]}', this configuration builds '{names[1]}': add the overlay "
        f"of '{names[0]}' to --config_file, leave that of '{names[1]}' out, or name another --checkpoint"
    )


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
