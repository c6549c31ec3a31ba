"""Where nnU-Net's commands are looked for, and what they are told."""

from pathlib import Path

import pytest

from common.runs.nnunet.environment import PLAN, PREPROCESS, NnUNet, find_environment
from tests.common.runs.nnunet.stand_in import calls, make_environment


@pytest.fixture
def program(tmp_path):
    environment = make_environment(tmp_path / "environment")
    return NnUNet(environment=str(environment), home=tmp_path / "home", trainers="scripts", num_workers=0)


def test_an_environment_without_the_commands_is_named_with_the_remedy(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no nnUNetv2_plan_and_preprocess in .*nowhere/bin, .*`make nnunet`"):
        find_environment(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="--environment"):
        NnUNet(environment=str(tmp_path), home=tmp_path, trainers="scripts")


def test_folders_and_workers_are_told_by_the_environment(program, tmp_path):
    variables = program.variables()
    for name in ("raw", "preprocessed", "results"):
        assert variables[f"nnUNet_{name}"] == str(tmp_path / "home" / f"nnUNet_{name}")
    assert Path(variables["nnUNet_extTrainer"]) == Path("scripts").absolute()
    assert (variables["nnUNet_n_proc_DA"], variables["nnUNet_def_n_proc"]) == ("0", "1")
    assert program.version == "9.9.9"


def test_a_command_is_run_with_its_options_and_a_log(program, tmp_path):
    program.run(PREPROCESS, "-d", "501", log=tmp_path / "home" / "preprocess.log")
    assert calls(tmp_path / "environment") == [["preprocess", ["-d", "501"]]]
    assert (tmp_path / "home" / "preprocess.log").is_file()


def test_a_command_that_fails_is_named_with_its_last_lines(program, tmp_path):
    with pytest.raises(
        RuntimeError, match=r"`nnUNetv2_plan_and_preprocess` failed with 1, see .*\n(.*\n)*.*No such file"
    ):
        program.run(PLAN, log=tmp_path / "home" / "plan.log")  # there is no data set
