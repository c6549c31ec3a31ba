"""Data and commands shared by the tests of the bundles."""

import os
import socket
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
from common.data.provenance import write_provenance
from common.files import file_sha256
from common.one_run import end_all_runs
from tests.bundles.unseen_set import unseen_dir  # noqa: F401 a fixture
from tests.fresh_process import FreshProcess, run_fresh
from tests.quick_monai import quick_monai  # noqa: F401 a fixture
from tests.quick_pictures import draw_quickly

ROOT = Path(__file__).parents[2]
# what handlers draw
PICTURES = [
    *("common.handlers.loss_csv.plot_losses", "common.handlers.sample_previews.pair_grid"),
    *("common.handlers.pair_preview.pair_grid", "common.handlers.segmentation_pictures.plot_segmentations"),
]
TWO_PROCESSES = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m")


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
    """Function (config files, workflow_type, pictures, **options) -> output folder of a workflow, run in this process.

    Pictures of losses and of samples take half of a tiny run: they are drawn for the tests that ask for them. The small
    ones are drawn quickly, see `draw_quickly`, and so are others that a page needs.
    """

    def run(files, *, workflow_type="train", pictures=False, **options):
        with pytest.MonkeyPatch.context() as patch:
            for name in [] if pictures else PICTURES:
                patch.setattr(name, lambda *_, **__: None)
            if pictures is not True:
                draw_quickly(patch)
            patch.chdir(ROOT)
            patch.setenv("TQDM_DISABLE", "1")
            files = list(map(str, files))
            work = ConfigWorkflow(config_file=files, workflow_type=workflow_type, logging_file=False, **options)
            work.initialize()
            try:
                work.run()
            finally:
                end_all_runs()  # as where its process ends with it
            work.finalize()
        return Path(options["output_dir"])

    return run


@pytest.fixture(scope="session")
def run_workflow(run_files, tmp_path_factory):
    """Function (bundle, configs, workflow_type, pictures, **overrides) -> output folder of a workflow, as above.

    Trainings share a cache on disk, where they do not ask for another.
    """
    cache = {"cache": "disk", "cache_dir": str(tmp_path_factory.mktemp("cache"))}

    def run(bundle, configs, **options):
        options = {**(cache if configs[0] == "train" else {}), **options}
        return run_files([ROOT / "bundles" / bundle / "configs" / f"{name}.yaml" for name in configs], **options)

    return run


@pytest.fixture(scope="module")
def trainings_here(run_files):
    """Arms of an experiment that were started, as "arm/part", since this was cleared; they run in this process."""
    started = []

    def run_here(run_id, configs, options, log):
        started.append(f"{log.parent.parent.name}/{log.parent.name}")
        log.parent.mkdir(parents=True, exist_ok=True)
        kind = "infer" if run_id == "evaluating" else "train"
        options = {key: value for key, value in options.items() if value is not None}
        run_files(configs, workflow_type=kind, run_id=run_id, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setenv("TQDM_DISABLE", "1")
        patch.setattr("common.runs.experiment.run_workflow", run_here)
        yield started


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
def in_two_processes(bundle_command):
    """Function (run_id, configs, **options) that runs a bundle's workflow in two processes, as torchrun starts them."""

    def run(run_id, configs, **options):
        _, *arguments = bundle_command(run_id, configs, **options)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        places = [{**shared, "RANK": rank, "LOCAL_RANK": rank} for rank in "01"]
        processes = [FreshProcess(arguments, folder=ROOT, environment=place) for place in places]
        for finished in [process.wait() for process in processes]:
            assert finished.returncode == 0, finished.stderr

    return run


@pytest.fixture(scope="session")
def run_command():
    """Function that runs a command of Python from the checkout's root and returns the finished process."""
    return lambda command: run_fresh(command[1:], folder=ROOT)


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


def kill_when(condition, command, told=None):
    """Runs a command and ends it with SIGKILL, or lets it end by the signal `told`, as soon as `condition()` holds."""
    process = FreshProcess(command[1:], folder=ROOT)
    while not condition():
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.01)
    if told is None:
        process.kill()
        return
    os.kill(process.pid, told)
    finished = process.wait(timeout=300)
    assert finished.returncode == 128 + told, finished
    assert f"{told.name}: ended behind step" in finished.stderr
    assert "Traceback" not in finished.stderr + finished.stdout


@pytest.fixture
def killed_and_resumed(bundle_command, run_command, run_workflow, phantom_dir, tmp_path):
    """Function (bundle, started, overlays, **options) -> folders of a training without and with a kill -9.

    The first is run in this process. The second is killed as soon as `started(folder)` holds, and the same command is
    given again: the last checkpoints are equal to the bit. With `told`, a signal, it is that in place of kill -9.
    """

    def run(bundle, *, started, overlays=(), told=None, **options):
        whole, killed = tmp_path / "whole", tmp_path / "killed"
        configs, options = ["train", *overlays, "smoke"], {"dataset_dir": str(phantom_dir), "cache": "none", **options}
        command = bundle_command("training", configs, bundle=bundle, output_dir=killed, **options)
        run_workflow(bundle, configs, output_dir=str(whole), **options)
        kill_when(lambda: started(killed), command, told)
        assert load_newest_state(killed)["iteration"] < load_newest_state(whole)["iteration"]
        again = run_command(command)
        assert again.returncode == 0, again.stderr
        assert "going on from" in again.stderr + again.stdout
        assert_identical(load_newest_state(whole), load_newest_state(killed))
        return whole, killed

    return run


@pytest.fixture
def one_and_two_processes(bundle_command, run_command, in_two_processes, phantom_dir, tmp_path):
    """Function (bundle, torchrun, **options) -> folders of a training in one process and in two, of one global batch.

    With `torchrun`, that starts the two, as a user does.
    """

    def run(bundle, *, torchrun=False, **options):
        one, two = tmp_path / "one", tmp_path / "two"
        options |= {"bundle": bundle, "dataset_dir": phantom_dir}
        commands = [bundle_command("training", ["train", "smoke"], output_dir=one, batch_size=4, **options)]
        halves, configs = {"output_dir": two, "batch_size": 2, **options}, ["train", "smoke", "multi_gpu_train"]
        if torchrun:
            commands.append(bundle_command("training", configs, launcher=TWO_PROCESSES, **halves))
        else:
            in_two_processes("training", configs, **halves)
        for command in commands:
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
