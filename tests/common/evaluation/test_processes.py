"""Sharing out cases, and having what all processes computed of them."""

import pytest

from common.evaluation.processes import gather, own_cases


@pytest.mark.parametrize(("rank", "expected"), [(0, [0, 1, 4]), (1, [2, 3])])
def test_batches_of_cases_are_dealt_out_in_turn(rank, expected, monkeypatch):
    monkeypatch.setattr("ignite.distributed.get_world_size", lambda: 2)
    monkeypatch.setattr("ignite.distributed.get_rank", lambda: rank)
    assert own_cases(5, batch_size=2) == expected


def test_all_have_what_each_had(monkeypatch):
    assert gather({"a": 1}) == {"a": 1}  # one process alone
    monkeypatch.setattr("ignite.distributed.all_gather", lambda own: [own, {"b": 2}])
    assert gather({"a": 1}) == {"a": 1, "b": 2}
