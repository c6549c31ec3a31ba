"""A bundle in an environment that has the packages of its metadata and nothing else."""

import json
import subprocess
import sys

import pytest

USE = """
from monai.bundle import run
import sys
smoke, data, out = "configs/smoke.yaml", sys.argv[1], sys.argv[2]
run(config_file=["configs/train.yaml", smoke], dataset_dir=data, output_dir=out + "/train")
run(config_file=["configs/inference.yaml", smoke], checkpoint=out + "/train/model.pt", output_dir=out + "/generated")
"""


@pytest.mark.release
def test_the_packages_of_the_metadata_are_enough(dist, tiny_phantoms, tmp_path):
    bundle, python = dist / "hagan_128", tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    own = {"torch": "pytorch_version", "monai": "monai_version", "numpy": "numpy_version"}
    pins = {name: metadata[key] for name, key in own.items()} | metadata["required_packages_version"]
    packages = [f"{name}=={version}" for name, version in pins.items()]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    command = [python, "-B", "-c", USE, tiny_phantoms, tmp_path]
    done = subprocess.run(command, cwd=bundle, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "generated" / "provenance.json").is_file()
