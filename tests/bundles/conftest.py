"""Data and commands shared by the tests of the bundles."""

import os
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from common.data.cli import prepare
from common.data.datalist import read_datalist, select_cases, write_datalist
from common.data.provenance import write_provenance

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def phantom_dir(tmp_path_factory):
    """Ten small phantom cases and their list."""
    directory = tmp_path_factory.mktemp("phantom")
    prepare("phantom", str(directory), count=10, size=(32, 32, 16), folds=2)
    return directory


@pytest.fixture(scope="session")
def bundle_command():
    """Function (run_id, configs, **options) -> command line of a bundle's workflow, as a user types it."""

    def build(run_id, configs, *, bundle="hagan_128", launcher=(), **options):
        files = [f"bundles/{bundle}/configs/{name}.yaml" for name in configs]
        flags = [part for key, value in options.items() for part in (f"--{key}", str(value))]
        launcher = launcher or (sys.executable, "-m")
        return [*launcher, "monai.bundle", "run", run_id, "--config_file", str(files), *flags]

    return build


@pytest.fixture(scope="session")
def run_command():
    """Function that runs a command from the checkout's root and returns the finished process."""

    def run(command, **options):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **options.pop("env", {})}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, **options
        )

    return run


@pytest.fixture(scope="session")
def generated_dir(phantom_dir, tmp_path_factory):
    """Set of six pairs of 32×32×16 voxels: noisy phantom cases of the training side, with provenance that says so."""
    directory = tmp_path_factory.mktemp("generated")
    datalist = read_datalist(phantom_dir / "datalist.json")
    rng = np.random.default_rng(0)
    entries = []
    for number, case in enumerate(select_cases(datalist, dataset_dir=phantom_dir)[:6]):
        name = f"generated_{number:05d}.nii.gz"
        for key, folder in (("image", "images"), ("label", "labels")):
            source = nib.load(case[key])
            volume = np.asarray(source.dataobj)
            if key == "image":
                volume = (volume + rng.normal(0, 30, volume.shape)).clip(-1024, 600).astype(np.int16)
            (directory / folder).mkdir(exist_ok=True)
            nib.save(nib.Nifti1Image(volume, source.affine), directory / folder / name)
        paths = {"image": f"images/{name}", "label": f"labels/{name}"}
        entries.append({"case_id": f"generated_{number:05d}", **paths, "centre": "generated", "fold": 0})
    write_datalist({"training": entries, "labels": datalist["labels"]}, directory / "dataset.json")
    training = {"case_ids": [case["case_id"] for case in datalist["training"]]}
    keys = ("bundle", "checkpoint", "seed", "cases", "spacing", "postprocessing")
    provenance = {**dict.fromkeys(keys), "training": training, "hu_window": [-1024, 600]}
    write_provenance(directory, provenance)
    return directory
