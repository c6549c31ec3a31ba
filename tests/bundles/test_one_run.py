"""Every workflow that writes takes its output_dir for itself, and a training that is told to end goes on bit-equal."""

import signal
from pathlib import Path

import pytest

from common.files import parse_yaml
from common.one_run import begin_run, end_run
from common.packaging.relocate import workflow_ids

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(ROOT.glob("bundles/*/configs/**/*.yaml"))
READS_ONLY = {"reporting"}  # draws what a search has so far
TOLD = ["hagan_128", "segresnet_auto3dseg"]


def workflows():
    for path in CONFIGS:
        text = path.read_text()
        content = parse_yaml(text)
        for run_id in workflow_ids(text):
            yield pytest.param(run_id, content[run_id], id=f"{path.parts[-3]}/{path.stem}/{run_id}")


def targets(steps):
    return [step.get("_target_", "") if isinstance(step, dict) else step for step in steps]


@pytest.mark.parametrize(("run_id", "steps"), workflows())
def test_every_workflow_takes_its_folder_before_it_works_and_leaves_it(run_id, steps):
    if run_id in READS_ONLY:
        return
    names = targets(steps)
    begin, end = names.index("common.one_run.begin_run"), len(names) - 1
    assert all("require_" in name for name in names[:begin])  # what it was given, before it touches a folder
    assert names[end] == "common.one_run.end_run"
    assert steps[begin]["output_dir"] == steps[end]["output_dir"]


def test_a_second_run_in_one_folder_is_refused_before_it_writes(bundle_command, run_command, phantom_dir, tmp_path):
    begin_run(tmp_path)
    try:
        options = {"bundle": "evaluation", "dataset_dir": phantom_dir, "output_dir": tmp_path}
        finished = run_command(bundle_command("analysing", ["analyse"], **options))
    finally:
        end_run(tmp_path)
    assert finished.returncode == 1
    assert f"{tmp_path} is in use by process" in finished.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bundle", TOLD)
def test_a_training_that_is_told_to_end_keeps_its_step_and_goes_on_bit_equal(killed_and_resumed, bundle):
    def started(folder):
        table = folder / "losses.csv"
        return table.is_file() and table.read_text().count("\n") > 2

    options = {"hagan_128": {"max_steps": 6}, "segresnet_auto3dseg": {"max_epochs": 2, "epoch_steps": 4}}[bundle]
    interval = {"checkpoint_interval": 1000}  # what is kept is kept for the signal
    killed_and_resumed(bundle, started=started, told=signal.SIGTERM, **interval, **options)
