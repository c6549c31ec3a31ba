"""Which arms an experiment runs, and with how many updates."""

import json

import pytest

from common.runs.arms import (
    Arm,
    chain,
    compared_arms,
    planned_arms,
    read_arms,
    selected,
    training_length,
    without_too_large,
)

LENGTH = {"max_epochs": 8, "epoch_steps": 50}
PRETRAINED = [
    Arm("real"),
    Arm("pre-training", {"use_real": False}, updates=0.5),
    Arm("pre-trained", start_from="pre-training"),
    Arm("generated only", {"use_real": False}),
]


def names(arms):
    return [arm.name for arm in arms]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], r"arms is \[\], expected one or more"),
        ([{"nme": "x"}], r"arm 0 of arms is \{'nme': 'x'\}, expected a mapping with a name"),
        (["real"], "arm 0 of arms is 'real', expected a mapping"),
        ([{"name": "a"}, {"name": "b", "option": {}}], "arm 'b' of arms has option, expected some of name, options, "),
        ("real", "arms is 'real', expected one or more in a list"),
        ([{"name": ".."}], "arm 0 of arms is .*, expected a mapping with a name of letters"),
        ([{"name": ""}], "arm 0 of arms is .*, expected a mapping with a name of letters"),
        ([{"name": "a", "options": ["lr"]}], r"arm 'a' of arms has options \['lr'\], expected a mapping"),
        ([{"name": "a", "overlays": "x.yaml"}], "arm 'a' of arms has overlays 'x.yaml', expected a list of files"),
    ],
)
def test_arms_of_a_config_are_refused_by_name(entries, message):
    with pytest.raises(ValueError, match=message):
        read_arms(entries)


def test_a_pre_training_and_its_fine_tuning_share_the_updates():
    arms = planned_arms(PRETRAINED, settings=LENGTH, equal_updates=True)
    assert [arm.updates for arm in arms] == [1, 0.5, 0.5, 1]
    assert [arm.options.get("max_epochs") for arm in arms] == [None, 4, 4, None]
    assert names(compared_arms(arms)) == ["real", "pre-trained", "generated only"]
    assert names(chain(arms[2], arms)) == ["pre-training", "pre-trained"]
    assert names(chain(arms[0], arms)) == ["real"]


# epochs and their steps, share of the first stage: epochs and steps of both stages
PARTS = [
    (8, 50, 0.5, [(4, 50), (4, 50)]),
    (25, 8, 0.5, [(10, 10), (10, 10)]),  # 100 steps each; of their divisors 10 lies nearest to 12.5
    (1, 4, 0.5, [(1, 2), (1, 2)]),
    (10, 7, 0.3, [(3, 7), (7, 7)]),
    (9, 10, 1 / 3, [(3, 10), (6, 10)]),
]


@pytest.mark.parametrize(("epochs", "steps", "share", "expected"), PARTS)
def test_stages_have_whole_epochs_as_long_as_can_be(epochs, steps, share, expected):
    arms = [Arm("a", updates=share), Arm("b", start_from="a")]
    planned = planned_arms(arms, settings={"max_epochs": epochs, "epoch_steps": steps}, equal_updates=True)
    assert [(arm.options["max_epochs"], arm.options["epoch_steps"]) for arm in planned] == expected


def test_three_stages_share_them_too():
    stages = [Arm("a", updates=0.25), Arm("b", start_from="a", updates=0.25), Arm("c", start_from="b")]
    arms = planned_arms(stages, settings=LENGTH, equal_updates=True)
    assert [arm.options["max_epochs"] for arm in arms] == [2, 2, 4]
    assert names(compared_arms(arms)) == ["c"]
    assert names(chain(arms[2], arms)) == ["a", "b", "c"]


def test_without_equal_updates_each_training_has_its_own_length():
    arms = [Arm("real"), Arm("longer", {"max_epochs": 20}), Arm("tuned", start_from="longer")]
    planned = planned_arms(arms, settings=LENGTH)
    assert names(compared_arms(planned)) == ["real", "longer", "tuned"]
    assert [arm.options.get("max_epochs") for arm in planned] == [None, 20, None]
    assert names(chain(planned[2], planned)) == ["tuned"]


# arms, flat keys of all trainings, words of the refusal
UNEQUAL = {
    "a start that takes all": (
        [Arm("generated only"), Arm("tuned", start_from="generated only")],
        LENGTH,
        "arm 'tuned' starts from 'generated only', which takes all updates, .* with `updates: 0.5`, or set --equal_u",
    ),
    "a part alone": ([Arm("real"), Arm("half", updates=0.5)], LENGTH, "'half' takes 0.5 of the updates, its pre-tr"),
    "too much together": (
        [Arm("a", updates=0.5), Arm("b", start_from="a", updates=0.75)],
        LENGTH,
        "arm 'b' takes 1.25 of the updates, .* expected a share of 1",
    ),
    "more epochs": (
        [Arm("real"), Arm("longer", {"max_epochs": 9})],
        LENGTH,
        "arm 'longer' has 450 updates in all, 'real' has 400: arms compare at equal updates",
    ),
    "more epochs in one stage": (
        [Arm("real"), Arm("a", {"max_epochs": 16}, updates=0.5), Arm("b", start_from="a")],
        LENGTH,
        "arm 'b' has 600 updates in all, 'real' has 400",
    ),
    "no whole updates": (
        [Arm("a", updates=1 / 3), Arm("b", start_from="a")],
        LENGTH,
        "'a' takes 0.333333 of 400 updates, which is no whole number",
    ),
    "no whole epochs": (
        [Arm("a", updates=0.3), Arm("b", start_from="a")],
        {"max_epochs": 8},
        "'a' takes 0.3 of 8 epochs, which is no whole number",
    ),
    "unknown epochs": ([Arm("a", updates=0.5), Arm("b", start_from="a")], {}, "'a' takes 0.5 .* set --updates"),
}


@pytest.mark.parametrize("case", UNEQUAL)
def test_unequal_updates_are_refused(case):
    arms, settings, words = UNEQUAL[case]
    with pytest.raises(ValueError, match=words):
        planned_arms(arms, settings=settings, equal_updates=True)


def test_lengths_that_the_options_do_not_tell_are_not_compared():
    arms = [Arm("real"), Arm("longer", {"max_epochs": 9})]
    assert names(planned_arms(arms, settings={"max_epochs": 3}, equal_updates=True)) == ["real", "longer"]


def test_a_seed_of_its_own_stands_against_several_seeds():
    arms = [Arm("real"), Arm("again", {"seed": 1})]
    assert planned_arms(arms, settings={}, seeds=[0])[1].options == {"seed": 1}
    with pytest.raises(ValueError, match=r"arm 'again' has a seed of its own, but the seeds are \[0, 1\]"):
        planned_arms(arms, settings={}, seeds=[0, 1])


# updates, settings, equal updates: the flat keys, or words of the refusal; nine cases train beside fold 0, batches of 2
LENGTHS = [
    (2000, {}, True, {"max_epochs": 100, "epoch_steps": 20}),
    (400, {"max_epochs": 8}, True, {"max_epochs": 8, "epoch_steps": 50}),
    (None, {}, True, {"max_epochs": 30, "epoch_steps": 4}),
    (None, {"max_epochs": 8}, True, {"max_epochs": 8, "epoch_steps": 4}),
    (None, {"batch_size": 20}, True, {"max_epochs": 30, "epoch_steps": 1}),
    (None, {"real_folds": [2]}, True, {"max_epochs": 30, "epoch_steps": 2}),
    (None, {"epoch_steps": 5}, True, {"max_epochs": 30, "epoch_steps": 5}),
    (None, {}, False, {"max_epochs": 30}),
    (400, {"epoch_steps": 5}, True, "updates is 400, and settings have epoch_steps 5: leave one out"),
    (401, {"max_epochs": 8}, True, "updates is 401, expected a multiple of 8 epochs"),
    (0, {}, True, "updates is 0, expected a multiple"),
]


@pytest.mark.parametrize(("updates", "settings", "equal", "expected"), LENGTHS)
def test_worked_lengths(updates, settings, equal, expected, tmp_path):
    (tmp_path / "train.yaml").write_text("max_epochs: 300\nepoch_steps: null\nbatch_size: 2\n")
    (tmp_path / "short.yaml").write_text("max_epochs: 30\n")
    folds = [0] * 3 + [1] * 5 + [2] * 4
    entries = [{"case_id": f"c{n}", "image": f"i{n}", "label": f"l{n}", "fold": fold} for n, fold in enumerate(folds)]
    (tmp_path / "list.json").write_text(json.dumps({"training": entries, "testing": []}))

    def length():
        configs, datalist = [tmp_path / "train.yaml", tmp_path / "short.yaml"], tmp_path / "list.json"
        return training_length(updates, settings, configs, datalist=datalist, fold=0, equal_updates=equal)

    if isinstance(expected, dict):
        assert length() == expected
    else:
        with pytest.raises(ValueError, match=expected):
            length()


def test_a_pre_training_is_run_with_what_starts_from_it():
    assert names(selected(PRETRAINED, ["real", "pre-trained"])) == ["real", "pre-training", "pre-trained"]
    assert names(selected(PRETRAINED, ["generated only"])) == ["generated only"]
    stages = [Arm("a", updates=0.25), Arm("b", start_from="a", updates=0.25), Arm("c", start_from="b"), Arm("d")]
    assert names(selected(stages, ["c"])) == ["a", "b", "c"]


def test_arms_that_need_more_cases_than_there_are_are_left_out(tmp_path, caplog):
    entries = [{"case_id": f"c{n}", "image": f"i{n}", "label": f"l{n}", "fold": n % 3} for n in range(8)]
    (tmp_path / "list.json").write_text(json.dumps({"training": entries, "testing": []}))
    (tmp_path / "gan_0").mkdir()
    (tmp_path / "gan_0" / "dataset.json").write_text(json.dumps({"training": entries[:6]}))
    arms = [Arm("all"), Arm("few", {"real_count": 5}), Arm("many", {"real_count": 6}), Arm("more", baseline="many")]
    arms += [Arm("site", {"real_count": 2, "real_folds": [2]}), Arm("large site", {"real_count": 3, "real_folds": [2]})]
    arms += [Arm(f"{n} pairs", {"generated_count": n, "generated_dir": f"{tmp_path}/gan_{{fold}}"}) for n in (6, 7)]
    kept, reasons = without_too_large(arms, settings={}, datalist=tmp_path / "list.json", folds=[0])  # 5 beside fold 0
    assert names(kept) == ["all", "few", "site", "6 pairs"]
    assert reasons == {
        "many": "it needs 6 real training cases, there are 5",
        "more": "it needs the arm 'many'",
        "large site": "it needs 3 real training cases, there are 2",
        "7 pairs": f"it needs 7 generated cases, {tmp_path}/gan_0 has 6",
    }
    assert "arm 'many' is left out: it needs 6" in caplog.text


@pytest.mark.parametrize(("only", "message"), [(["a", "a"], "each arm once"), (["b"], "no arms"), ([], "only is")])
def test_names_of_arms_that_are_none_or_stand_twice_are_refused(only, message):
    with pytest.raises(ValueError, match=message):
        selected([Arm("a"), Arm("c")], only)
