"""Options of runs that start later."""

import os
from pathlib import Path

import pytest
import yaml

from common.options.ahead import problems_ahead, require_ahead

CONFIGS = Path(__file__).parents[3] / "bundles" / "hagan_128" / "configs"


@pytest.fixture
def foreign(tmp_path):
    """A config of another project, which has no check of its own."""
    path = tmp_path / "train.yaml"
    path.write_text("lr: 1\nnet: {width: 8}\nrun: x\n")
    return path


def test_a_config_of_ours_is_asked_for_keys_and_values():
    options = {"lr_x": 1, "batch_size": 0, "spacing": None, "train::trainer::max_epochs": 2, "networkk::size": 3}
    lines = problems_ahead([CONFIGS / "train.yaml", CONFIGS / "smoke.yaml"], options)
    assert [line.partition(":")[0] for line in lines] == ["networkk", "lr_x", "batch_size"]
    assert "has no key lr_x, did you mean lr_" in lines[1]


def test_an_option_of_an_overlay_needs_it():
    options = {"augment_policy": ["cutout"]}
    assert "name that in --config_file" in problems_ahead([CONFIGS / "train.yaml"], options)[0]
    assert problems_ahead([CONFIGS / "train.yaml", CONFIGS / "diff_augment.yaml"], options) == []


def test_of_another_projects_config_only_unknown_keys_are_told(foreign):
    assert problems_ahead([foreign], {"lr": "fast", "net::width": 4}) == []
    assert [line.partition(",")[2] for line in problems_ahead([foreign], {"lrr": 1})] == [
        f" but {foreign} has no key lrr, did you mean lr?"
    ]


def test_files_that_are_not_there(tmp_path):
    assert (
        "no config files" in problems_ahead([tmp_path / "x.yaml"], {})[0] and "no config" in problems_ahead([], {})[0]
    )


def test_part_of_a_config_that_an_overlay_names(tmp_path):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("train::sampler::shuffle: false\ntrain::sampel: 1\nrun_settings: {model: 1, x: 1}\n")
    lines = problems_ahead([CONFIGS / "train.yaml", overlay], {})
    assert [line.partition(":  ")[0].partition(": found")[0] for line in lines] == ["train::sampel"]
    assert "did you mean train::sampler" in lines[0]


def test_all_runs_are_asked_before_the_first_starts():
    train = [CONFIGS / "train.yaml"]
    require_ahead([("a", train, {}), ("b", train, {"batch_size": 2})])
    with pytest.raises(ValueError, match=r"nothing was run:\nb: batch_size: found 0, expected .*\nc: seeed: found 1"):
        require_ahead([("a", train, {}), ("b", train, {"batch_size": 0}), ("c", train, {"seeed": 1})])


def test_files_are_read_once_for_many_runs_and_again_when_they_change(tmp_path, monkeypatch):
    config, read = tmp_path / "train.yaml", []
    monkeypatch.setattr(
        "common.options.ahead.ConfigParser.load_config_file",
        classmethod(lambda _, path: read.append(path) or yaml.safe_load(Path(path).read_text())),
    )
    config.write_text("rate: 1\nstep: {_target_: torch.nn.Linear, bias: '@rate'}\n")
    assert problems_ahead([config], {"rate": 2}) == problems_ahead([config], {"rate": 3}) == []
    assert len(read) == 1
    config.write_text("speed: 1\n")
    os.utime(config, ns=(1, 1))
    assert "has no key rate" in problems_ahead([config], {"rate": 2})[0]
