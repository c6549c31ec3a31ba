"""Weights in the model zoo's form: a bare state dict, which its tools load, and what we know of it beside it."""

import json
from pathlib import Path
from typing import Any

import torch

from ..files import file_sha256, replacing
from ..networks.model_file import read_model_file
from .zoo_json import zoo_json


def copy_model(source: Path, target: Path) -> None:
    """Write a training's model file as `target`, a bare state dict, and `target` with the suffix ``.json``.

    ``python -m monai.bundle ckpt_export`` reads such a file without further options, and `read_model_file` reads the
    two as the one that they were. Equal weights give equal bytes.

    Raises:
        ValueError: `source` is no model file, or its settings are not plain values.
    """
    content = read_model_file(source)
    beside = {key: _plain(content[key], key, source) for key in ("settings", "training")}
    with replacing(target) as temporary, temporary.open("wb") as file:  # a stream: the file's name is not written in
        torch.save(dict(content["model"]), file)
    target.with_suffix(".json").write_text(zoo_json({**beside, "source_sha256": file_sha256(source)}))


def _plain(value: Any, key: str, source: Path) -> Any:
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{source}: its {key} cannot be written as JSON ({error})") from error
