"""What metadata.json of every bundle must say (design section 3)."""

import json
import re
from pathlib import Path

import monai
import numpy
import pytest
import torch

from common.files import file_sha256

ROOT = Path(__file__).parents[2]
BUNDLES = sorted(path.parents[1].name for path in (ROOT / "bundles").glob("*/configs/metadata.json"))
KEYS = [
    *("schema", "version", "changelog", "monai_version", "pytorch_version", "numpy_version"),
    *("required_packages_version", "task", "description", "authors", "copyright", "network_data_format"),
]


@pytest.mark.parametrize("bundle", BUNDLES)
def test_metadata_says_what_was_tested(bundle):
    metadata = json.loads((ROOT / "bundles" / bundle / "configs" / "metadata.json").read_text())
    assert not [key for key in KEYS if key not in metadata]
    assert metadata["version"] in metadata["changelog"]
    assert metadata["monai_version"] == monai.__version__
    assert metadata["pytorch_version"] == torch.__version__.split("+")[0]
    assert metadata["numpy_version"] == numpy.__version__
    pins = dict(re.findall(r"^([\w-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(), re.M))
    assert metadata["required_packages_version"].items() <= pins.items()


@pytest.mark.parametrize("bundle", BUNDLES)
def test_shipped_weights_are_small_and_say_how_they_were_trained(bundle):
    path = ROOT / "bundles" / bundle / "models" / "model.pt"
    if not path.is_file():
        pytest.skip(f"{bundle} ships no weights")
    assert path.stat().st_size < 25_000_000  # above it the model zoo takes an address instead
    weights = json.loads((path.parents[1] / "configs" / "metadata.json").read_text())["weights"]
    assert weights["sha256"] == file_sha256(path)
    assert weights["command"].startswith("python -m monai.bundle run training --config_file ")
