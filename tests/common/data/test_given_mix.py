"""A training on cases that something else has chosen."""

import pytest

from common.data.given_mix import given_mix


def pair(name, image=None):
    return {"image": f"/studies/{image or name}.nii.gz", "label": f"/studies/labels/final/{name}.nii.gz"}


def test_cases_are_named_after_their_labels_and_described_as_any_training():
    mix = given_mix([pair("b"), pair("a", image="CT of a")], [pair("c")], binary_mask=True, seed=3)
    assert [case["case_id"] for case in mix.training] == ["b", "a"]
    assert mix.training[1]["image"] == "/studies/CT of a.nii.gz"
    record = mix.describe()
    assert record["case_ids"] == ["a", "b"] and record["held_out"] == ["c"]
    assert record["counts"] == {"real": 2, "generated": 0, "validation": 1}
    assert record["validation"] == "fold given" and record["seed"] == 3


def test_all_may_train_but_some_must():
    assert given_mix([pair("a")], binary_mask=True, seed=0).validation == []
    with pytest.raises(ValueError, match="label a study and submit it, or lower val_split, which holds 1"):
        given_mix([], [pair("a")], binary_mask=True, seed=0)
