"""The five bundles, exported once, and a way to use them as someone does who has nothing else."""

import os
import subprocess
import sys

import pytest

from common.data.cli import prepare
from common.packaging.export import CHECKOUT, export_bundle

BUNDLES = sorted(path.parents[1].name for path in (CHECKOUT / "bundles").glob("*/configs/metadata.json"))


@pytest.fixture(scope="session")
def dist(tmp_path_factory):
    """Folder of the five exported bundles and their archives."""
    directory = tmp_path_factory.mktemp("dist")
    for name in BUNDLES:
        export_bundle(name, directory)
    return directory


@pytest.fixture(scope="session")
def tiny_phantoms(tmp_path_factory):
    """Ten phantom cases of 32×32×16 voxels and their list, of two folds."""
    directory = tmp_path_factory.mktemp("phantoms")
    prepare("phantom", str(directory), count=10, size=(32, 32, 16), folds=2)
    return directory


@pytest.fixture(scope="session")
def isolated():
    """Function (code, folder, *arguments) -> finished Python whose path has `folder` and the packages, no checkout."""

    def run(code, folder, *arguments):
        start = "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        command = [sys.executable, "-I", "-c", start + code, str(folder), *map(str, arguments)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "CUDA_VISIBLE_DEVICES": ""}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    return run
