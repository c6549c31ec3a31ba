from collections import Counter

import numpy as np
import pytest

from common.reader_study.drawing import draw_cases


def entries(count, centres=("a",), prefix="case"):
    return [
        {"case_id": f"{prefix}{n}", "centre": centres[n % len(centres)], "image": f"{n}.nii", "label": f"{n}.nii"}
        for n in range(count)
    ]


def draw(*counts, seed=0, **options):
    return draw_cases(*counts, rng=np.random.default_rng(seed), **options)


def test_five_and_five_by_default_each_once():
    cases = draw(entries(8), entries(9, prefix="fake"))
    assert Counter(case.source for case in cases) == {"real": 5, "generated": 5}
    assert len({case.entry["case_id"] for case in cases}) == 10


def test_the_order_follows_the_seed():
    cases = [draw(entries(8), entries(9), seed=seed) for seed in (0, 0, 1)]
    assert cases[0] == cases[1] != cases[2]


def test_sides_are_mixed():
    """Over many seeds each place is generated about half the time: 200 ± 4 standard deviations of 10."""
    seen = sum(
        np.array([case.source == "generated" for case in draw(entries(8), entries(9), seed=s)]) for s in range(400)
    )
    assert np.all(np.abs(seen - 200) < 40)


def test_real_cases_come_from_as_many_centres_as_there_are():
    real = [entry for n, centre in enumerate("aaaaaaaaaaaabcde") for entry in entries(1, (centre,), f"{n}_")]
    for seed in range(5):
        cases = draw(real, entries(5), seed=seed)
        assert {case.entry["centre"] for case in cases if case.source == "real"} == set("abcde")


@pytest.mark.parametrize("options", [{"n_real": 9}, {"n_generated": 0}, {"n_real": -1}])
def test_more_cases_than_there_are_are_refused(options):
    with pytest.raises(ValueError, match=r"set n_\w+ to 1 … 8"):
        draw(entries(8), entries(8), **options)
