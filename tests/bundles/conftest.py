"""Data and commands shared by the tests of the bundles."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.bundle import ConfigWorkflow

from common.data.cli import prepare
from common.data.datalist import read_datalist, select_cases, write_datalist
from common.data.provenance import file_sha256, write_provenance

ROOT = Path(__file__).parents[2]
TWO_PROCESSES = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m")


@pytest.fixture(scope="session")
def phantom_dir(tmp_path_factory):
    """Ten small phantom cases and their list."""
    directory = tmp_path_factory.mktemp("phantom")
    prepare("phantom", str(directory), count=10, size=(32, 32, 16), folds=2)
    return directory


@pytest.fixture(scope="session")
def few_openkbp(openkbp_dir, tmp_path_factory):
    """Folder of six real cases and their list, of two folds."""
    few, directory = tmp_path_factory.mktemp("few"), tmp_path_factory.mktemp("few_openkbp")
    for folder in ("images", "labels"):
        (few / folder).mkdir()
        for path in sorted((openkbp_dir / folder).iterdir())[:6]:
            (few / folder / path.name).symlink_to(path)
    prepare("pairs", str(directory), input=str(few), folds=2)
    return directory


@pytest.fixture(scope="session")
def run_files():
    """Function (config files, workflow_type, **options) -> output folder of a workflow, run in this process."""

    def run(files, *, workflow_type="train", **options):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(ROOT)
            patch.setenv("TQDM_DISABLE", "1")
            files = list(map(str, files))
            work = ConfigWorkflow(config_file=files, workflow_type=workflow_type, logging_file=False, **options)
            work.initialize()
            work.run()
            work.finalize()
        return Path(options["output_dir"])

    return run


@pytest.fixture(scope="session")
def run_workflow(run_files):
    """Function (bundle, configs, workflow_type, **overrides) -> output folder of a workflow, run in this process."""

    def run(bundle, configs, *, workflow_type="train", **overrides):
        files = [ROOT / "bundles" / bundle / "configs" / f"{name}.yaml" for name in configs]
        return run_files(files, workflow_type=workflow_type, **overrides)

    return run


@pytest.fixture(scope="session")
def causes():
    """Function (caught error) -> messages of its whole chain: MONAI wraps what a config's component raises."""

    def read(caught):
        messages, cause = [], caught.value
        while cause is not None:
            messages.append(str(cause))
            cause = cause.__cause__
        return "\n".join(messages)

    return read


@pytest.fixture(scope="session")
def assert_seeds_decide():
    """Function (folders of sets of the seeds 0, 0, 1) that asserts that equal seeds give equal files."""

    def check(first, again, other):
        hashes = [file_sha256(folder / "images" / "generated_00001.nii.gz") for folder in (first, again, other)]
        assert hashes[0] == hashes[1] != hashes[2]
        assert (first / "provenance.json").read_bytes() == (again / "provenance.json").read_bytes()

    return check


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
def in_two_processes(bundle_command, run_command):
    """Function (run_id, configs, **options) that runs a bundle's workflow in two processes, as a user types it."""

    def run(run_id, configs, **options):
        finished = run_command(bundle_command(run_id, configs, launcher=TWO_PROCESSES, **options))
        assert finished.returncode == 0, finished.stderr

    return run


@pytest.fixture(scope="session")
def run_command():
    """Function that runs a command from the checkout's root and returns the finished process."""

    def run(command, **options):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **options.pop("env", {})}
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, **options
        )

    return run


def assert_identical(a, b):
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_identical(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_identical(x, y)
    elif isinstance(a, torch.Tensor):
        assert torch.equal(a, b)
    else:
        assert a == b


@pytest.fixture(scope="session")
def assert_same():
    """Function that asserts that two states, of nested dicts and lists, are equal to the bit."""
    return assert_identical


def load_newest_state(directory):
    return torch.load(max((directory / "checkpoint").iterdir()), weights_only=True)


@pytest.fixture(scope="session")
def newest_state():
    """Function (output folder of a training) -> content of its last checkpoint."""
    return load_newest_state


def kill_when(condition, command):
    """Runs a command and ends it with SIGKILL as soon as `condition()` holds."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, **quiet)
    while not condition():
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.fixture
def killed_and_resumed(bundle_command, run_command, phantom_dir, tmp_path):
    """Function (bundle, started, overlays, **options) -> folders of a training without and with a kill -9.

    The second is killed as soon as `started(folder)` holds, and the same command is given again: the last checkpoints
    are equal to the bit.
    """

    def run(bundle, *, started, overlays=(), **options):
        def command(folder):
            folders = {"dataset_dir": phantom_dir, "output_dir": folder}
            return bundle_command("training", ["train", *overlays, "smoke"], bundle=bundle, **folders, **options)

        whole, killed = tmp_path / "whole", tmp_path / "killed"
        finished = run_command(command(whole))
        assert finished.returncode == 0, finished.stderr
        kill_when(lambda: started(killed), command(killed))
        assert load_newest_state(killed)["iteration"] < load_newest_state(whole)["iteration"]
        again = run_command(command(killed))
        assert again.returncode == 0, again.stderr
        assert "going on from" in again.stderr + again.stdout
        assert_identical(load_newest_state(whole), load_newest_state(killed))
        return whole, killed

    return run


@pytest.fixture
def one_and_two_processes(bundle_command, run_command, phantom_dir, tmp_path):
    """Function (bundle, **options) -> folders of a training in one process and in two, of the same global batch."""

    def run(bundle, **options):
        one, two = tmp_path / "one", tmp_path / "two"
        options |= {"bundle": bundle, "dataset_dir": phantom_dir}
        parallel = {"launcher": TWO_PROCESSES, "output_dir": two, "batch_size": 2}
        for command in (
            bundle_command("training", ["train", "smoke"], output_dir=one, batch_size=4, **options),
            bundle_command("training", ["train", "smoke", "multi_gpu_train"], **parallel, **options),
        ):
            finished = run_command(command)
            assert finished.returncode == 0, finished.stderr
        return one, two

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
