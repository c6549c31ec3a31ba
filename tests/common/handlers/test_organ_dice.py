"""The file of organ Dice, on the metric it is used with."""

import json

import pytest
import torch
from ignite.engine import Engine
from monai.handlers import MeanDice

from common.handlers.organ_dice import OrganDice


def test_means_leave_out_cases_without_contour(tmp_path):
    """Organ 1: Dice 1 in the first case, absent in the second; organ 2: Dice 2·1/(1 + 2) and 0."""
    target = torch.zeros(2, 2, 2, 2, 2)
    pred = torch.zeros_like(target)
    target[0, 0, 0] = pred[0, 0, 0] = 1
    pred[1, 0, 0] = 1
    target[0, 1, 0, 0, :] = 1
    pred[0, 1, 0, 0, 0] = 1
    target[1, 1, 0] = 1
    pred[1, 1, 1] = 1
    engine = Engine(lambda _, __: {"pred": list(pred), "label": list(target)})
    MeanDice(output_transform=lambda output: (output["pred"], output["label"]), reduction="mean_batch").attach(
        engine, "dice"
    )
    OrganDice(tmp_path / "dice.json", organs=["one", "two"]).attach(engine)
    engine.run([0])
    written = json.loads((tmp_path / "dice.json").read_text())
    assert written["dice"] == {"one": 1.0, "two": pytest.approx(1 / 3, abs=1e-4)}
    assert written["mean"] == pytest.approx((1 + written["dice"]["two"]) / 2, abs=1e-4)
