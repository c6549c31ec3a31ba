from collections import Counter

import pytest

from common.engines.step_sampler import StepBatchSampler


def sampler(**kwargs):
    return StepBatchSampler(**{"num_items": 7, "batch_size": 3, "max_steps": 14, "seed": 5, **kwargs})


def test_every_pass_shows_each_item_once():
    items = [item for batch in sampler() for item in batch]  # 14 · 3 = 6 passes of 7
    for first in range(0, 42, 7):
        assert sorted(items[first : first + 7]) == list(range(7))
    assert items[:7] != items[7:14]


def test_a_resumed_sampler_goes_on_where_the_other_was():
    whole, resumed = list(sampler()), sampler()
    resumed.start = 9
    assert list(resumed) == whole[9:]
    assert len(resumed) == 5


def test_ranks_share_the_global_batch():
    whole = list(sampler(batch_size=6))
    ranks = [list(sampler(batch_size=3, rank=r, world_size=2)) for r in (0, 1)]
    assert [a + b for a, b in zip(*ranks, strict=True)] == whole


def test_fewer_items_than_a_batch_still_fill_it():
    batches = list(sampler(num_items=2, batch_size=4, max_steps=5))
    assert all(Counter(batch) == {0: 2, 1: 2} for batch in batches)


def test_seeds_differ():
    assert list(sampler(seed=1)) != list(sampler(seed=2))


def test_no_items_is_an_error():
    with pytest.raises(ValueError, match="the data set is empty"):
        sampler(num_items=0)


def test_unshuffled_items_come_in_their_own_order_pass_after_pass():
    assert list(sampler(shuffle=False, max_steps=5)) == [[0, 1, 2], [3, 4, 5], [6, 0, 1], [2, 3, 4], [5, 6, 0]]
