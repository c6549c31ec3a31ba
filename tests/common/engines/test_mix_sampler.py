"""Batches with a set share of generated cases."""

from collections import Counter
from itertools import product

import pytest

from common.engines.draw_sampler import DrawBatchSampler
from common.engines.mix_sampler import MixBatchSampler

SOURCES = ["real"] * 5 + ["generated"] * 3
# share at the first step and at the last (None: kept), generated cases of each batch of two, worked out by hand
QUOTAS = [
    (0.25, None, [0, 1, 0, 1, 0, 1]),  # 0.5 a step: every second step owes one
    (0.5, None, [1, 1, 1, 1, 1, 1]),
    (0.1, None, [0, 0, 0, 0, 1, 0]),  # 0.2 a step: the first one is due after five
    (1.0, 0.0, [2, 1, 1, 1, 1, 0]),  # 2, 1.6, 1.2, 0.8, 0.4, 0 add up to 2, 3.6, 4.8, 5.6, 6, 6
    (0.0, 0.5, [0, 0, 0, 1, 1, 1]),  # 0, 0.2, 0.4, 0.6, 0.8, 1 add up to 0, 0.2, 0.6, 1.2, 2, 3
    (0, None, [0] * 6),
]


def sampler(share, share_end=None, **settings):
    settings = {"sources": SOURCES, "batch_size": 2, "max_steps": 6, "seed": 3, **settings}
    return MixBatchSampler(share=share, share_end=share_end, **settings)


def generated(batch):
    return sum(SOURCES[case] == "generated" for case, _ in batch)


@pytest.mark.parametrize(("share", "share_end", "quotas"), QUOTAS)
def test_worked_quotas(share, share_end, quotas):
    assert [generated(batch) for batch in sampler(share, share_end)] == quotas


# share, share at the end, batch size
PROPERTIES = list(product([0.1, 0.25, 1 / 3, 0.5, 0.9], [None, 0], [1, 2, 3, 4]))


@pytest.mark.parametrize(("share", "share_end", "batch_size"), PROPERTIES)
def test_never_more_than_one_case_too_few_and_the_last_step_is_real(share, share_end, batch_size):
    steps, owed, found = 40, 0.0, 0
    batches = list(sampler(share, share_end, batch_size=batch_size, max_steps=steps))
    for step, batch in enumerate(batches):
        assert len(batch) == batch_size
        owed += batch_size * (share if share_end is None else share * (1 - step / (steps - 1)))
        found += generated(batch)
        assert owed - 1 - 1e-9 < found < owed + 1e-9
    if share_end == 0:
        assert generated(batches[-1]) == 0


def test_cases_of_either_source_are_seen_equally_often():
    """60 steps of 4 with a quarter generated: 180 draws of 5 real cases, 60 of 3 generated ones."""
    times = Counter(case for batch in sampler(0.25, batch_size=4, max_steps=60) for case, _ in batch)
    assert [times[case] for case in range(8)] == [36] * 5 + [20] * 3


def test_draws_count_on_and_generated_cases_stand_in_any_place():
    batches = list(sampler(0.25, batch_size=4, max_steps=60))
    assert [draw for batch in batches for _, draw in batch] == list(range(240))
    places = {place for batch in batches for place, (case, _) in enumerate(batch) if SOURCES[case] == "generated"}
    assert places == {0, 1, 2, 3}


@pytest.mark.parametrize(("share", "share_end"), [(0.25, None), (0.5, 0), (0.1, 0)])
def test_two_ranks_share_the_batches_of_one_and_going_on_gives_the_rest(share, share_end):
    whole = sampler(share, share_end, batch_size=4, max_steps=20)
    parts = [sampler(share, share_end, rank=rank, world_size=2, max_steps=20) for rank in (0, 1)]
    batches = list(whole)
    assert [parts[0].batch(step) + parts[1].batch(step) for step in range(20)] == batches
    again = sampler(share, share_end, batch_size=4, max_steps=20)
    again.start = 7
    assert list(again) == batches[7:]
    assert list(sampler(share, share_end, batch_size=4, max_steps=20, seed=4)) != batches


def test_without_a_share_the_draws_are_those_of_all_cases():
    plain = DrawBatchSampler(num_items=8, batch_size=2, max_steps=6, seed=3)
    assert list(sampler(None)) == list(plain)


@pytest.mark.parametrize("sources", [["real"] * 3, ["generated"] * 3])
def test_a_share_of_one_source_alone_is_refused(sources):
    with pytest.raises(ValueError, match=r"share is 0.25, but [03] real and [03] generated"):
        sampler(0.25, sources=sources)
