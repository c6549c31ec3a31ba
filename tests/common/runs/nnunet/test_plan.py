"""What is changed in nnU-Net's plan, and that nothing else is."""

from copy import deepcopy

import pytest

from common.runs.nnunet.plan import PlanEdits, edit_plan
from tests.common.runs.nnunet.stand_in import PLAN

PLANS = {
    "plans_name": "nnUNetPlans",
    "transpose_forward": [1, 0, 2],
    "transpose_backward": [1, 0, 2],
    "configurations": {"2d": {"batch_size": 5}, "3d_fullres": PLAN},
}
LENGTH = {"batch_size": 2, "epochs": 3, "steps": 4, "validation_steps": 1}


def test_what_is_not_named_stays_as_planned():
    before = deepcopy(PLANS)
    edited = edit_plan(PLANS, PlanEdits(**LENGTH))
    assert before == PLANS
    plan = edited["configurations"]["3d_fullres"]
    assert (plan["batch_size"], plan["data_identifier"]) == (2, "armPlans_3d_fullres")
    assert edited["plans_name"] == "armPlans"
    assert edited["length"] == {"epochs": 3, "steps": 4, "validation_steps": 1}
    assert edited["transpose_forward"] == [1, 0, 2] and edited["configurations"]["2d"] == {"batch_size": 5}
    assert {key: plan[key] for key in ("patch_size", "spacing", "architecture")} == {
        key: PLAN[key] for key in ("patch_size", "spacing", "architecture")
    }


def test_a_named_network_is_the_same_for_all_arms():
    """64×64×32 voxels of 10×4.5×10 mm: axes in reverse; the fine one alone is halved at first, to 9 mm."""
    edits = PlanEdits(**LENGTH, spacing=[10, 4.5, 10], patch_size=[64, 64, 32], features=12)
    edited = edit_plan(PLANS, edits)
    plan = edited["configurations"]["3d_fullres"]
    assert edited["transpose_forward"] == edited["transpose_backward"] == [0, 1, 2]
    assert (plan["spacing"], plan["patch_size"]) == ([10.0, 4.5, 10.0], [32, 64, 64])
    network = plan["architecture"]["arch_kwargs"]
    assert network["strides"] == [[1, 1, 1], [1, 2, 1], [2, 2, 2], [2, 2, 2], [2, 2, 2], [1, 1, 2]]
    assert network["kernel_sizes"][0] == [1, 3, 1] and network["kernel_sizes"][1] == [3, 3, 3]
    assert network["features_per_stage"] == [12, 24, 48, 96, 192, 320]
    assert (network["n_stages"], network["n_conv_per_stage"]) == (6, [2] * 6)
    assert network["n_conv_per_stage_decoder"] == [2] * 5


def test_a_patch_without_a_spacing_follows_the_planned_turn():
    edits = PlanEdits(**LENGTH, patch_size=[16, 32, 64])
    plan = edit_plan(PLANS, edits)["configurations"]["3d_fullres"]
    assert plan["patch_size"] == [32, 64, 16]
    assert plan["spacing"] == PLAN["spacing"]


def test_features_alone_keep_the_topology():
    plan = edit_plan(PLANS, PlanEdits(**LENGTH, features=200))["configurations"]["3d_fullres"]
    assert plan["architecture"]["arch_kwargs"] == {"n_stages": 3, "features_per_stage": [200, 320, 320]}


def test_a_patch_that_cannot_be_halved_is_refused():
    with pytest.raises(ValueError, match="can be halved"):
        edit_plan(PLANS, PlanEdits(**LENGTH, patch_size=[4, 4, 4]))
