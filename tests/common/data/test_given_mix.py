"""A training on cases that something else has chosen."""

import pytest

from common.data.given_mix import given_mix


def pair(name, image=None):
    return {"image": f"/studies/{image or name}.nii.gz", "label": f"/studies/labels/final/{name}.nii.gz"}


def test_cases_are_named_after_their_labels_and_described_as_any_training():
    mix = given_mix([pair("b"), pair("a", image="CT of a")], [pair("c")], binary_mask=True, seed=3)
    assert [case["case_id"] for case in mix.training] == ["a", "b"]
    assert mix.training[0]["image"] == "/studies/CT of a.nii.gz"
    record = mix.describe()
    assert record["case_ids"] == ["a", "b"] and record["held_out"] == ["c"]
    assert record["counts"] == {"real": 2, "generated": 0, "validation": 1}
    assert record["validation"] == "fold given" and record["seed"] == 3


def test_all_may_train_but_some_must():
    assert given_mix([pair("a")], binary_mask=True, seed=0).validation == []
    with pytest.raises(ValueError, match="label a study and submit it, or lower val_split, which holds 1"):
        given_mix([], [pair("a")], binary_mask=True, seed=0)


def test_a_case_is_on_the_same_side_in_every_training():
    """MONAI Label shuffles; one that was held back never trains later on, also as more studies are labelled."""
    names = [f"study_{number}" for number in range(60)]
    sides = []
    for count, shift in ((20, 3), (40, 17), (60, 31)):
        cases = [pair(name) for name in names[:count]]
        cases = cases[shift:] + cases[:shift]
        mix = given_mix(cases[4:], cases[:4], binary_mask=True, seed=0)
        assert len(mix.training) + len(mix.validation) == count
        sides.append(({case["case_id"] for case in mix.training}, {case["case_id"] for case in mix.validation}))
    for trained, _ in sides:
        for _, held_back in sides:
            assert not trained & held_back
    assert 6 <= len(sides[-1][1]) <= 18  # a fifth of 60, more or less
