"""Texts of configs and docs after the move out of the checkout."""

import pytest

from common.packaging.relocate import relocate, require_same_common, workflow_ids

RELEASE = {"version": "1.2.0", "sha256": "ab"}
# text in the checkout → in the exported hagan_128
TEXTS = {
    "--config_file bundles/hagan_128/configs/train.yaml": "--config_file configs/train.yaml",
    "['bundles/evaluation/configs/evaluate.yaml']": "['../evaluation/configs/evaluate.yaml']",
    "From the checkout's root, or the bundle's own:": "From this bundle's root:",
    "[other](../../hagan_256/docs/README.md)": "[other](../../hagan_256/docs/README.md)",
    "$'bundles/hagan_128' if is_dir('bundles/hagan_128')": "$'bundles/hagan_128' if is_dir('bundles/hagan_128')",
}
CONFIG = """# Trains
imports:
  - $import torch
names: [a, b]
initialize:
  - $f()
training: # first the one, then the other
  - $g()
  - $h()
run: "@training"
"""


@pytest.mark.parametrize("text", TEXTS)
def test_paths_start_from_the_bundles_root(text):
    assert relocate(text, name="hagan_128") == TEXTS[text]


def test_workflows_are_lists_of_expressions_below_their_key():
    assert workflow_ids(CONFIG) == ["training"]
    assert workflow_ids("training:\n  - $f()\n  - 1\nchecked: [$f()]\n") == []
    assert workflow_ids("- $f()\n") == []
    assert workflow_ids("training:\n  - {_target_: check}\n  - $f()\nhandlers:\n  - {_target_: H}\n") == ["training"]
    assert workflow_ids("training:\n  - $f()\n  - {_target_: common.one_run.end_run}\n") == ["training"]
    assert workflow_ids("transforms:\n  - $f()\n  - {_target_: T}\n") == []


def test_each_workflow_compares_first_and_nothing_else_changes():
    lines = require_same_common(CONFIG, RELEASE).splitlines()
    assert lines[2] == "  - $from common.same_common import require_same_common"
    assert lines[8] == "  - $require_same_common('1.2.0', 'ab')" and lines[7].startswith("training: #")
    assert lines[:2] + lines[3:8] + lines[9:] == CONFIG.splitlines()


def test_overlays_without_workflows_stay_as_they_are():
    overlay = "# Overlay\ninitialize:\n  - $f()\nsize: 3\n"
    assert require_same_common(overlay, RELEASE) == overlay


def test_a_list_in_brackets_is_a_setting():
    overlay = "checkpoints: [$root + '/model.pt'] # where\n"
    assert require_same_common(overlay, RELEASE) == overlay


def test_a_workflow_written_otherwise_is_refused():
    with pytest.raises(ValueError, match="training"):
        require_same_common("imports:\n  - $import torch\ntraining:\n- $f()\n", RELEASE)
