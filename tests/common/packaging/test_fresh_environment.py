"""Bundles in environments that have the packages of their metadata and nothing else."""

import json
import subprocess
import sys

import pytest

from common.packaging.export import CHECKOUT

BUNDLES = sorted(path.parents[1].name for path in (CHECKOUT / "bundles").glob("*/configs/metadata.json"))
SEGMENTERS = ("evaluation", "segresnet_auto3dseg")  # these read cases; the others draw pairs
OWN = {"torch": "pytorch_version", "monai": "monai_version", "numpy": "numpy_version"}
RUN = """
import json, sys
from pathlib import Path
from monai.bundle import run
steps, shipped = map(json.loads, sys.argv[1:3])
for name, settings in steps:
    run(config_file=[f"configs/{name}.yaml", "configs/smoke.yaml"], **settings)
if Path("models/model.pt").is_file():
    run(config_file="configs/inference.yaml", **shipped)  # as it is: with what it ships
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Function (metadata) -> Python of a new environment with its packages; bundles of equal packages share one."""
    known = {}

    def make(metadata):
        pins = {name: metadata[key] for name, key in OWN.items()} | metadata["required_packages_version"]
        packages = tuple(sorted(f"{name}=={version}" for name, version in pins.items()))
        if packages not in known:
            folder = tmp_path_factory.mktemp("environment")
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            known[packages] = folder / "bin" / "python"
            subprocess.run([known[packages], "-m", "pip", "install", "--quiet", *packages], check=True)
        return known[packages]

    return make


@pytest.mark.release
@pytest.mark.parametrize("name", BUNDLES)
def test_the_packages_of_the_metadata_are_enough(name, dist, steps, isolated, environment, phantom_dir, tmp_path):
    python = environment(json.loads((dist / name / "configs" / "metadata.json").read_text()))
    shipped = {"output_dir": str(tmp_path / "shipped")}
    shipped |= {"dataset_dir": str(phantom_dir)} if name in SEGMENTERS else {"num_samples": 1}
    done = isolated(RUN, dist / name, steps(name, tmp_path), json.dumps(shipped), python=python)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "train" / "model.pt").is_file() and any((tmp_path / "inference").rglob("*.nii.gz"))
    assert any((tmp_path / "shipped").rglob("*.nii.gz")) == (dist / name / "models" / "model.pt").is_file()
