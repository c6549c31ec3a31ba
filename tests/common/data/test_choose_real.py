"""Which real cases train and which validate."""

import itertools

import pytest

from common.data.choose_real import count_training
from tests.common.data.pair_files import FOLDS, TESTING, ids, mix_of


def test_real_cases_alone(datalist):
    mix = mix_of(datalist, fold=0)
    assert ids(mix.training) == {*FOLDS[1], *FOLDS[2]}
    assert ids(mix.validation) == set(FOLDS[0])
    assert mix.held_out == sorted([*FOLDS[0], *TESTING])
    assert mix.counts == {"real": 6, "generated": 0, "validation": 3}
    assert {case["source"] for case in [*mix.training, *mix.validation]} == {"real"}
    assert mix.training[0]["image"].startswith(str(datalist.parent.resolve()))
    assert mix.stamp is None


def test_without_a_fold_all_train_and_none_validate(datalist):
    mix = mix_of(datalist, fold="all")
    assert (len(mix.training), mix.validation, mix.held_out) == (9, [], TESTING)
    assert mix.describe()["validation"] == "none: the last epoch is the model"


# fraction of the six real training cases of fold 0, cases kept
FRACTIONS = [(0.01, 1), (0.1, 1), (0.25, 2), (0.5, 3), (1, 6)]


def test_real_subsets_are_nested_and_seeded(datalist):
    subsets = [ids(mix_of(datalist, fold=0, real_fraction=fraction).training) for fraction, _ in FRACTIONS]
    assert [len(subset) for subset in subsets] == [count for _, count in FRACTIONS]
    assert all(small <= large for small, large in itertools.pairwise(subsets))
    others = [frozenset(ids(mix_of(datalist, fold=0, real_fraction=0.5, seed=s).training)) for s in range(6)]
    assert len(set(others)) > 1


def test_a_number_of_cases_is_nested_seeded_and_the_same_as_its_share(datalist):
    subsets = [ids(mix_of(datalist, fold=0, real_count=count).training) for count in range(1, 7)]
    assert [len(subset) for subset in subsets] == list(range(1, 7))
    assert all(small < large for small, large in itertools.pairwise(subsets))
    assert subsets[2] == ids(mix_of(datalist, fold=0, real_fraction=0.5).training)
    others = {frozenset(ids(mix_of(datalist, fold=0, real_count=3, seed=seed).training)) for seed in range(6)}
    assert len(others) > 1
    assert mix_of(datalist, fold=0, real_count=3).describe()["real_count"] == 3
    assert "real_count" not in mix_of(datalist, fold=0).describe()


def test_some_folds_alone_may_train(datalist):
    mix = mix_of(datalist, fold=0, real_folds=[2])
    assert (ids(mix.training), ids(mix.validation)) == (set(FOLDS[2]), set(FOLDS[0]))
    assert mix.held_out == sorted([*FOLDS[0], *TESTING])
    assert mix.describe()["real_folds"] == [2]
    assert ids(mix_of(datalist, fold="all", real_folds=[1, 2]).training) == {*FOLDS[1], *FOLDS[2]}


def test_a_fold_without_good_cases_is_refused(datalist):
    for case_id in FOLDS[1]:
        (datalist.parent / f"images/{case_id}.nii.gz").unlink()
    with pytest.raises(ValueError, match=r"6 good training cases beside fold 1 and 0 in it.*--fold all"):
        mix_of(datalist, fold=1, on_bad_case="skip")


def test_a_fold_that_there_is_not_is_told_before_any_case_is_looked_at(datalist):
    assert count_training(datalist, fold=0, folds=[2]) == len(FOLDS[2])
    with pytest.raises(ValueError, match=r"folds \[9\] are not in the data list .*, expected .*\[0, 1, 2\]: name"):
        count_training(datalist, fold=0, folds=[2, 9])
    with pytest.raises(ValueError, match=r"fold 9 is to validate, but .* has the folds \[0, 1, 2\], expected one"):
        count_training(datalist, fold=9)
