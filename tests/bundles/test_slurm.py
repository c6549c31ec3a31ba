"""The script of the docs in a real SLURM: told to end, queued again, it ends where an uninterrupted job does."""

import re
import sys
import tempfile
import time
from pathlib import Path

import pytest
import torch

from tests.bundles.slurm_cluster import cluster, missing

ROOT = Path(__file__).parents[2]
SCRIPT = re.compile(r"```bash\n(#!/bin/bash\n.*?)```", re.DOTALL)
# what a machine of two cores has in place of four machines of four GPUs: two tasks, each a `torchrun` of one process
SIZES = {
    "--nodes=4": "--nodes=1",
    "--ntasks-per-node=1": "--ntasks-per-node=2",
    "#SBATCH --gpus-per-node=4\n": "",
    "--cpus-per-task=32": "--cpus-per-task=1",
    "OMP_NUM_THREADS=8": "OMP_NUM_THREADS=1",
    "--nproc_per_node=4": "--nproc_per_node=1",
    ".venv/bin/activate": f"{sys.prefix}/bin/activate",
    "configs/train.yaml','": "configs/train.yaml','bundles/hagan_128/configs/smoke.yaml','",
    "--max_steps 80000": "--max_steps 60 --checkpoint_interval 1000 --preview_interval 1000",
}


@pytest.mark.slurm
@pytest.mark.skipif(bool(missing()), reason=f"needs {', '.join(missing())}: apt-get install slurm-wlm munge, as root")
def test_a_job_that_is_told_to_end_and_queued_again_equals_an_uninterrupted_one(phantom_dir, tmp_path):
    with tempfile.TemporaryDirectory() as folder, cluster(folder) as run:  # a socket's path must be short
        whole = submit(run, phantom_dir, tmp_path / "whole")
        wait_for_state(run, whole, "COMPLETED")
        told = submit(run, phantom_dir, tmp_path / "told")
        wait_for(lambda: steps(tmp_path / "told") >= 3)
        run("scancel", "--signal=TERM", told)
        wait_for_state(run, told, "FAILED")
        kept = steps(tmp_path / "told")
        assert 3 <= kept < 60, "the job was not told to end in time"
        assert not (tmp_path / "told" / "model.pt").exists()
        run("scontrol", "requeue", told)
        wait_for_state(run, told, "COMPLETED")
        print(run("scontrol", "show", "job", told))
    log = (tmp_path / "told.log").read_text()
    print(log)
    assert "SIGTERM" in log and re.search(rf"\b{kept}\b", log)
    assert steps(tmp_path / "told") == 60
    first, second = (torch.load(tmp_path / name / "model.pt", weights_only=True) for name in ("whole", "told"))
    torch.testing.assert_close(first["model"], second["model"], rtol=0, atol=0)


def submit(run, dataset_dir, output_dir):
    """Id of a job of the docs' script, in tiny."""
    (script,) = SCRIPT.findall((ROOT / "bundles/hagan_128/docs/machines.md").read_text())
    folders = {"data/hecktor": str(dataset_dir), "output/hecktor": str(output_dir)}
    for documented, tiny in {**SIZES, **folders}.items():
        assert documented in script
        script = script.replace(documented, tiny)
    path = output_dir.with_suffix(".sh")
    path.write_text(script)
    return run("sbatch", "--parsable", f"--chdir={ROOT}", f"--output={output_dir.with_suffix('.log')}", str(path))


def steps(output_dir):
    """Steps of which the losses are written."""
    path = output_dir / "losses.csv"
    return max(0, path.read_text().count("\n") - 1) if path.is_file() else 0


def wait_for_state(run, job, state):
    def reached():
        (found,) = re.findall(r"JobState=(\w+)", run("scontrol", "show", "job", job))
        assert found in (state, "PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "REQUEUED"), found
        return found == state

    wait_for(reached)


def wait_for(condition, seconds=500):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.2)
