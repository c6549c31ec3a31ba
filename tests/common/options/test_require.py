"""The check as MONAI runs it."""

import gc

import pytest
from monai.bundle import ConfigWorkflow

from common.options import require
from common.options.require import require_options

CONFIG = """
imports: []
max_steps: 5
batch_size: 1
lr_g: 0.1
{key}:
  - {{_target_: common.options.require.require_options, bundle: hagan_128, config: train}}
  - $print(@max_steps, @batch_size, @lr_g)
run: "@training"
training: [$1]
"""


@pytest.fixture
def workflow(tmp_path):
    """Function (entry, **overrides) -> workflow of a config that checks its options in that entry."""

    def build(key="initialize", **overrides):
        (tmp_path / "configs").mkdir(exist_ok=True)
        path = tmp_path / "configs" / "train.yaml"
        path.write_text(CONFIG.format(key=key))
        return ConfigWorkflow(str(path), logging_file=False, **overrides)

    return build


def test_options_that_are_right(workflow):
    work = workflow(batch_size=2, spacing=None)
    work.initialize()
    assert work.run() == [[1]]


def test_all_that_is_wrong_in_one_message(workflow):
    with pytest.raises(RuntimeError) as error:
        workflow(batch_size=0, max_step=3).initialize()
    lines = str(error.value.__cause__).splitlines()
    assert lines[0] == "nothing was run, as 2 wrong in the options of train.yaml:"
    assert [line.partition(":")[0] for line in lines[1:]] == ["max_step", "batch_size"]


def test_the_id_that_is_run_is_no_unknown_key(workflow):
    work = workflow(key="special", run_id="special")
    work.initialize()
    assert work.run() == [None, None]


def test_without_monai():
    with pytest.raises(RuntimeError, match="MONAI must call it"):
        require_options("hagan_128", "train")


def test_the_collector_passes_over_what_is_imported_but_not_over_garbage_of_earlier_runs(workflow, monkeypatch):
    frozen = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(True))
    require._pass_over_imports.cache_clear()  # earlier tests have been here
    for _ in range(2):
        workflow().initialize()
    assert len(frozen) == 1
