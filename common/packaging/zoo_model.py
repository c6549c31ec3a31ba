"""Weights in the model zoo's form: a bare state dict, which its tools load, and what we know of it beside it."""

import json
from pathlib import Path
from typing import Any

from ..files import file_sha256
from ..networks.model_file import read_model_file
from ..torch_file import write_torch
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
    write_torch(dict(content["model"]), target)
    target.with_suffix(".json").write_text(zoo_json({**beside, "source_sha256": file_sha256(source)}))


def _plain(value: Any, key: str, source: Path) -> Any:
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{source}: its {key} cannot be written as JSON ({error})") from error
