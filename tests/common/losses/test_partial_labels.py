"""Dice + cross-entropy over contoured organs, against figures worked out by hand."""

import math

import pytest
import torch

from common.losses.partial_labels import PartialLabelLoss


def test_one_organ_by_hand():
    """Logits 0 are probabilities ½: cross-entropy ln 2; Dice of ½ with 2 of 8 voxels 1 - (2·1)/(4 + 2)."""
    target = torch.zeros(1, 1, 2, 2, 2)
    target[0, 0, 0, 0] = 1
    loss = PartialLabelLoss()(torch.zeros(1, 1, 2, 2, 2), target)
    assert loss.item() == pytest.approx(math.log(2) + 1 - 2 / 6, abs=1e-5)


def test_organs_without_contour_count_neither_way():
    target = torch.zeros(2, 3, 4, 4, 4)
    target[0, 0, 1] = target[1, 2, :2] = 1
    logits = torch.randn(2, 3, 4, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = PartialLabelLoss()(logits, target)
    alone = [
        PartialLabelLoss()(logits[b : b + 1, c : c + 1], target[b : b + 1, c : c + 1]) for b, c in ((0, 0), (1, 2))
    ]
    assert loss.item() == pytest.approx((alone[0] + alone[1]).item() / 2)
    loss.backward()
    reached = logits.grad.flatten(2).abs().sum(-1) > 0
    assert reached.tolist() == [[True, False, False], [False, False, True]]


def test_a_batch_without_contours_is_zero_and_has_a_gradient():
    logits = torch.zeros(1, 2, 2, 2, 2, requires_grad=True)
    loss = PartialLabelLoss()(logits, torch.zeros(1, 2, 2, 2, 2))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.abs().sum() == 0


def test_integer_targets_are_taken():
    target = torch.ones(1, 1, 2, 2, 2, dtype=torch.uint8)
    assert PartialLabelLoss()(torch.full((1, 1, 2, 2, 2), 20.0), target).item() == pytest.approx(0, abs=1e-4)
