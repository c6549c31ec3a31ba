"""Data and commands shared by the tests of the bundles."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.data.cli import prepare

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def phantom_dir(tmp_path_factory):
    """Ten small phantom cases and their list."""
    directory = tmp_path_factory.mktemp("phantom")
    prepare("phantom", str(directory), count=10, size=(32, 32, 16), folds=2)
    return directory


@pytest.fixture
def bundle_command():
    """Function (run_id, configs, **options) -> command line of a bundle's workflow, as a user types it."""

    def build(run_id, configs, *, bundle="hagan_128", launcher=(), **options):
        files = [f"bundles/{bundle}/configs/{name}.yaml" for name in configs]
        flags = [part for key, value in options.items() for part in (f"--{key}", str(value))]
        launcher = launcher or (sys.executable, "-m")
        return [*launcher, "monai.bundle", "run", run_id, "--config_file", str(files), *flags]

    return build


@pytest.fixture
def run_command():
    """Function that runs a command from the checkout's root and returns the finished process."""

    def run(command, **options):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **options.pop("env", {})}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, **options
        )

    return run
