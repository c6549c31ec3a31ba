"""The leakage guard."""

from pathlib import Path

import pytest

from common.data.generated_set import GeneratedSet
from common.data.leakage import LeakageError, check_initial_weights, check_leakage, check_strangers

HELD_OUT = ["v1", "v2", "t1", "t2"]

# ids that the generator was trained on, what leaks of them
SEEN = [({"a", "b"}, ()), ({"a", "v2"}, ("v2",)), ({"t2", "v1", "a", "t1"}, ("t1", "t2", "v1")), (set(), ())]


def generated_set(training_ids, cases=("g0", "g1")):
    return GeneratedSet(
        directory=Path("/sets/hagan"),
        cases=[{"case_id": case_id} for case_id in cases],
        image_size=[8, 8, 8],
        spacing=[1.5, 1.5, 1.5],
        hu_window=[-1024, 600],
        binary_mask=True,
        training_ids=None if training_ids is None else frozenset(training_ids),
    )


@pytest.mark.parametrize(("seen", "leaked"), SEEN)
def test_allowed_leakage_is_counted_and_stamped(seen, leaked):
    report = check_leakage(generated_set(seen), held_out=HELD_OUT, allow_leakage=True)
    assert (report.leaked, report.provenance) == (leaked, "known")
    if leaked:
        extent = f"trained on {len(leaked)} of the 4 held-out cases"
        assert report.stamp == f"LEAKAGE: the generator of hagan was {extent}"
    else:
        assert report.stamp is None


@pytest.mark.parametrize(("seen", "leaked"), SEEN)
def test_leakage_is_refused_and_nothing_else(seen, leaked):
    if not leaked:
        assert check_leakage(generated_set(seen), held_out=HELD_OUT).stamp is None
        return
    with pytest.raises(LeakageError, match=f"trained on {len(leaked)} of the 4 held-out cases") as error:
        check_leakage(generated_set(seen), held_out=HELD_OUT)
    message = str(error.value)
    assert message.startswith(f"the generator of {Path('/sets/hagan')} ")
    assert f": {', '.join(leaked)}. " in message
    assert "--folds" in message
    assert "--allow_leakage True, which marks every table" in message


def test_a_long_list_of_leaked_cases_is_cut_but_counted():
    ids = [f"t{number}" for number in range(9)]
    with pytest.raises(LeakageError, match=r"9 of the 9 .*: t0, t1, t2, t3, t4, …\."):
        check_leakage(generated_set(ids), held_out=ids)


@pytest.mark.parametrize("allowed", [False, True])
def test_a_set_without_provenance_is_refused_unless_declared(allowed):
    with pytest.raises(LeakageError, match=r"hagan has no provenance\.json.* the 4 held-out.*--declared True"):
        check_leakage(generated_set(None), held_out=HELD_OUT, allow_leakage=allowed)


# allow_leakage, what the stamp of a declared set starts with
DECLARED = [(False, None), (True, "LEAKAGE NOT RULED OUT: hagan has no provenance")]


@pytest.mark.parametrize(("allowed", "stamp"), DECLARED)
def test_a_declared_set_says_so(allowed, stamp):
    report = check_leakage(generated_set(None), held_out=HELD_OUT, allow_leakage=allowed, declared=True)
    assert (report.leaked, report.provenance, report.stamp) == ((), "declared", stamp)


def test_declaring_does_not_overrule_provenance():
    with pytest.raises(LeakageError, match="1 of the 4"):
        check_leakage(generated_set({"t1"}), held_out=HELD_OUT, declared=True)


def test_a_set_that_holds_real_cases_is_refused():
    with pytest.raises(LeakageError, match=r"hagan holds 2 cases of the real data list, such as a: .*--generated_dir"):
        check_strangers(generated_set(None, cases=("g0", "b", "a")), real=["a", "b", "t1"])


# ids behind the generator, whether the guard warns that it has nothing to compare
STRANGERS = [({"a"}, False), ({"x", "y"}, True), ({"x", "t1"}, False), (None, False)]


@pytest.mark.parametrize(("seen", "warns"), STRANGERS)
def test_no_id_in_common_is_warned_of(seen, warns, caplog):
    check_strangers(generated_set(seen), real=["a", "t1"])
    assert ("none of the real list's case ids" in caplog.text) == warns


# what a model file says of its training, what leaks of it
TRAININGS = [
    ({"case_ids": ["a", "v1"]}, ("v1",)),
    ({"case_ids": [], "generated": {"generator_case_ids": ["a", "t1"], "provenance": "known"}}, ("t1",)),
    ({"case_ids": ["a"], "generated": {"generator_case_ids": None, "provenance": "declared"}}, ()),
    ({"case_ids": ["a"], "generated": None, "leakage": None}, ()),
]


@pytest.mark.parametrize(("training", "leaked"), TRAININGS)
def test_initial_weights_must_not_have_seen_held_out_cases_either(training, leaked):
    report = check_initial_weights(training, path="pre/model.pt", held_out=HELD_OUT, allow_leakage=True)
    assert report.leaked == leaked
    assert report.provenance == (training.get("generated") or {}).get("provenance", "known")
    if leaked:
        with pytest.raises(
            LeakageError, match=rf"initial model pre.model\.pt was trained on 1 .*: {leaked[0]}\. Start"
        ):
            check_initial_weights(training, path="pre/model.pt", held_out=HELD_OUT)


def test_initial_weights_hand_their_stamp_on():
    training = {"case_ids": ["a"], "leakage": "LEAKAGE: the generator of x was trained on 1 of the 2 held-out cases"}
    report = check_initial_weights(training, path="model.pt", held_out=HELD_OUT)
    assert (report.leaked, report.stamp) == ((), training["leakage"])


def test_initial_weights_of_unknown_origin_are_refused():
    with pytest.raises(ValueError, match=r"pre\.pt does not say .* among \['step'\].*--init_from"):
        check_initial_weights({"step": 3}, path="pre.pt", held_out=HELD_OUT)
