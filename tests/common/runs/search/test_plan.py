"""What cannot be searched is refused before anything is written."""

import contextlib

import pytest

from common.runs.search.plan import Pruning, check_steps
from common.runs.search.steps import Step, read_steps

# settings: words of the refusal
REFUSED = {
    "unknown key": ({"space": {"lr_q": [1]}}, r"step training: .*train\.yaml has no key lr_q, did you mean lr_g"),
    "unknown option": ({"steps": [{"run_id": "t", "options": {"max_step": 1}}]}, "no key max_step, did you mean max_s"),
    "no config": ({"steps": [{"run_id": "t", "config_files": ["a.yaml"]}]}, r"step t: no config files \['a.yaml'\]"),
    "no step": ({"steps": []}, r"expected steps with names of their own, found \[\]"),
    "taken, not sampled": ({"steps": [{"run_id": "t", "takes": ["z"]}]}, r"steps take \['z'\]"),
    "direction": ({"direction": "down"}, "direction 'down': expected minimize or maximize"),
    "sampler": ({"sampler": "random"}, "sampler 'random': expected grid or tpe"),
    "grid of a range": ({"space": {"x": {"low": 0, "high": 1}}}, "x has a range: use --sampler tpe"),
    "how many": ({"sampler": "tpe"}, "set --trials"),
    "empty list": ({"space": {"x": []}}, "x: expected a list of values or"),
    "combinations of unequal keys": ({"space": [{"x": 1}, {"y": 1}]}, r"combination 1: expected .* found {'y': 1}"),
    "combination twice": ({"space": [{"x": 1}, {"x": 1.0}]}, "combination 1 stands twice"),
    "combinations drawn": ({"space": [{"x": 1}], "sampler": "tpe", "trials": 2}, "use --sampler grid"),
    "twice": ({"space": {"x": [1, 1.0]}}, "x: a value stands twice"),
    "no range": ({"space": {"x": {"low": 0}}}, "a range has low and high"),
    "range upside down": ({"space": {"x": {"low": 1, "high": 0}}}, "x: .* is no range"),
    "log of zero": ({"space": {"x": {"low": 0.0, "high": 1, "log": True}}}, "x: .* is no range"),
    "no keys": ({"space": {}}, "expected a search space"),
    "set and sampled": (
        {"steps": [{"run_id": "t", "options": {"x": 3}}]},
        "settings of the step t have x 3, which is sam",
    ),
    "no file": ({"space": "nowhere.yaml"}, r"no search space at nowhere\.yaml"),
    "pruner": ({"pruning": Pruning("best")}, "pruner 'best': expected none, median, hyperband"),
    "pruner without series": ({"pruning": Pruning("median")}, "has series None"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_settings_that_cannot_be_searched_are_refused_at_once(search, case, tmp_path):
    settings, words = REFUSED[case]
    with pytest.raises(ValueError, match=words):
        search(**settings)
    assert not (tmp_path / "search").exists()


# folds that trials train on, folds that they are scored on, whether that is refused
FOLDS = [
    ([0, 1], [2], False),
    ([0, 1], "testing", False),
    (None, "testing", False),
    (0, 1, False),
    ([0, 1], [1], True),
    (1, 1, True),
    (None, [2], True),
    ("all", 2, True),
    ([0], "all", True),
    ([0], "everything", True),
    (None, None, True),
    ((0, 1), (1, 2), True),
]


@pytest.mark.parametrize(("trained", "scored", "refused"), FOLDS)
def test_trials_are_not_scored_on_what_they_train_on(trained, scored, refused, tmp_path):
    (tmp_path / "any.yaml").write_text("folds: null\n")
    files = [str(tmp_path / "any.yaml")]
    steps = [Step("training", files, {"folds": trained}), Step("inferring", files), Step("evaluating", files)]
    steps[2].options["folds"] = scored
    words = r"step evaluating scores on folds .* expected folds apart.*set --score_folds"
    with pytest.raises(ValueError, match=words) if refused else contextlib.nullcontext():
        check_steps(steps, [[], [], []], {})


@pytest.mark.parametrize("entry", [{"run_id": "training"}, {"run_idd": "training", "config_files": []}, "training"])
def test_steps_of_a_config_are_refused_by_number(entry):
    assert read_steps([{"run_id": "training", "config_files": ["a"]}]) == [Step("training", ["a"])]
    with pytest.raises(ValueError, match=r"step 0 of steps is .*, expected a mapping with run_id and config_files"):
        read_steps([entry])
