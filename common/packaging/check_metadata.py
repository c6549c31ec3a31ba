"""Checks of a bundle's metadata and of the keys of its configs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from ..files import read_json
from .check_files import CONFIGS
from .finding import Finding, from_problems

KEYS = (
    *("schema", "version", "changelog", "monai_version", "pytorch_version", "numpy_version", "name"),
    *("required_packages_version", "task", "description", "authors", "copyright", "network_data_format"),
)
# CONTRIBUTING.md of the model zoo
_INFERENCE = ("bundle_root", "device", "network_def", "inferer", "output_dir")
_TRAIN = (
    *("bundle_root", "device", "dataset_dir", "output_dir", "train::trainer", "train::trainer::max_epochs"),
    *("train::dataset", "train::dataset::data", "train::handlers"),
)
_VALIDATE = ("validate::evaluator", "validate::handlers", "validate::dataset", "validate::dataset::data")


def check_metadata(bundle: Path, *, model_info: Path | None = None) -> list[Finding]:
    """Required keys, the version's entry in the changelog, whether the zoo has that version, keys of the configs.

    Args:
        bundle: Folder.
        model_info: The zoo's ``models/model_info.json``, which lists the versions that it has.
    """
    path = bundle / "configs" / "metadata.json"
    if not path.is_file():
        return [Finding("metadata keys", "FAILED", "no configs/metadata.json")]
    metadata = json.loads(path.read_text())
    version, changelog = metadata.get("version"), metadata.get("changelog", {})
    return [
        from_problems("metadata keys", [f"{key} is missing" for key in KEYS if key not in metadata]),
        from_problems("changelog", [] if version in changelog else [f"no entry of version {version}"], f"{version}"),
        _new_version(bundle.name, version, model_info),
        from_problems("config keys", [*_missing(bundle, CONFIGS, _INFERENCE), *_missing_in_training(bundle)]),
    ]


def _new_version(name: str, version: str, model_info: Path | None) -> Finding:
    check = "version is new in the zoo"
    if model_info is None:
        return Finding(check, "not checked", "no model_info.json of the zoo at hand (--model_info)")
    taken = f"{name}_v{version}" in read_json(model_info, remedy="name the zoo's models/model_info.json")
    return from_problems(check, [f"{name}_v{version} is taken"] if taken else [])


def _missing(bundle: Path, names: tuple[str, ...], keys: tuple[str, ...]) -> list[str]:
    path = next((path for name in names if (path := bundle / "configs" / name).is_file()), None)
    if path is None:
        return []  # the layout says so, where it must be there
    parser = ConfigParser(_load(path))
    return [f"configs/{path.name} has no {key}" for key in keys if key not in parser]


def _missing_in_training(bundle: Path) -> list[str]:
    path = bundle / "configs" / "train.yaml"
    content = _load(path) if path.is_file() else {}
    keys = (*_TRAIN, *(_VALIDATE if "validate" in content else ()))
    if "ValidationHandler" in json.dumps(content):
        keys = (*keys, "val_interval")
    return _missing(bundle, (path.name,), keys)


def _load(path: Path) -> Mapping[str, Any]:
    return ConfigParser.load_config_file(path)
