"""The one training config that MONAI Label takes."""

from pathlib import Path

from monai.bundle import ConfigParser

from .zoo_json import zoo_json

OVERLAY = "monai_label.yaml"


def write_label_config(configs: Path) -> None:
    """Write ``train.json``, which MONAI Label prefers to ``train.yaml``: that one under `OVERLAY`, if there is one."""
    if (configs / OVERLAY).is_file():
        merged = ConfigParser.load_config_files([configs / "train.yaml", configs / OVERLAY])
        (configs / "train.json").write_text(zoo_json(merged))
