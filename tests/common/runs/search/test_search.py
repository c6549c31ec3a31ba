"""The hyperparameter search: what is run, with which values, what is not run twice, and what a kill leaves."""

import itertools
import json
import logging

import pytest

from common.runs.engine import Engine
from common.runs.search.plan import Pruning
from tests.common.runs.search.quadratic import SERIES, SPACE, STEPS, Runner


def test_listed_combinations_are_run_as_they_stand(search):
    runner = Runner()
    points = [{"x": 2, "y": 0.5, "window": []}, {"x": -1, "y": 1.5, "window": [1, 2]}, {"x": 2, "y": 1.5, "window": []}]
    rows = search(runner, points, steps=STEPS).run()
    assert runner.trained() == [(2, 0.5), (-1, 1.5), (2, 1.5)]
    assert [row["window"] for row in rows] == [[], [1, 2], []]


def test_the_grid_is_every_combination_once_in_its_order(search, tmp_path):
    runner = Runner()
    rows = search(runner).run()
    assert runner.trained() == list(itertools.product(*SPACE.values()))
    assert [row["trial"] for row in rows] == list(range(6))
    assert all(row["value"] == pytest.approx((row["x"] - 0.3) ** 2 + row["y"]) for row in rows)
    assert [(run_id, log.relative_to(tmp_path / "search").as_posix()) for run_id, _, log in runner.calls][2:4] == [
        ("training", "trials/1/training/training.log"),
        ("evaluating", "trials/1/evaluating/evaluating.log"),
    ]
    trial = json.loads((tmp_path / "search/trials/1/trial.json").read_text())
    assert trial == {"trial": 1, "values": {"x": -1, "y": 1.5}}


def test_two_workers_run_the_same_grid(search, tmp_path):
    pytest.importorskip("distributed", reason="no dask.distributed: pip install -r requirements-cluster.txt")
    fail = {"fail": lambda options: options["x"] == 0}
    rows = search(Runner(**fail), output_dir=tmp_path / "here").run()
    given = {"engine": Engine(workers=2), "interval": 0.2, "output_dir": tmp_path / "workers"}
    found = search(Runner(**fail), **given).run()
    keys = ("trial", "state", "value", "x", "y", "message", "resumed")
    assert [[row[key] for key in keys] for row in found] == [[row[key] for key in keys] for row in rows]
    assert (tmp_path / "workers/trials/5/evaluating/done.json").is_file()


def test_a_finished_study_is_not_run_again_and_grows_with_the_grid(search):
    search(trials=2).run()
    runner = Runner()
    rows = search(runner).run()
    assert len(runner.trained()) == 4
    assert [row["state"] for row in rows] == ["complete"] * 6
    again = Runner()
    assert search(again).run() == rows
    assert again.calls == []


def test_options_and_placeholders_reach_the_steps(search, tmp_path):
    steps = [
        {"run_id": "training", "options": {"max_steps": 7, "lr_g": None}},
        {"run_id": "evaluating", "takes": ["lr_g"], "options": {"window": ["{trial_dir}/model.pt"]}},
    ]
    runner = Runner()
    search(runner, {"x": [1], "lr_g": [None]}, steps).run()
    folder = tmp_path / "search" / "trials" / "0"
    assert [options for _, options, _ in runner.calls] == [
        {"output_dir": f"{folder}/training", "max_steps": 7, "lr_g": "$None", "x": 1},
        {"output_dir": f"{folder}/evaluating", "window": [f"{folder}/model.pt"], "lr_g": "$None"},
    ]


def test_lists_as_values_come_back_as_lists(search):
    runner = Runner()
    space = {"x": [1], "window": [[-1024, 600], [-2048, 3071]], "lr_g": ["1e-4"]}
    rows = search(runner, space).run()
    assert [row["window"] for row in rows] == [[-1024, 600], [-2048, 3071]]
    assert runner.calls[0][1]["window"] == [-1024, 600]
    assert runner.calls[0][1]["lr_g"] == 1e-4


@pytest.mark.parametrize("url", [None, "journal://{}/shared/study.log"], ids=["sqlite", "journal"])
def test_a_killed_trial_goes_on_in_its_folder_with_its_values(search, url, tmp_path):
    options = {"space": {"x": [-1, 0, 2]}, "storage": url and url.format(tmp_path)}
    with pytest.raises(KeyboardInterrupt):
        search(Runner(kill=lambda options: options["x"] == 0), **options).run()
    assert [row["state"] for row in search(**options).rows()] == ["complete", "running", "waiting"]
    runner = Runner()
    rows = search(runner, **options).run()
    assert sorted(runner.trained()) == [(0, None), (2, None)]
    folders = {options["x"]: options["output_dir"] for _, options, _ in runner.calls if "x" in options}
    assert folders[0] == str(tmp_path / "search/trials/1/training")
    assert [(row["trial"], row["state"], row["resumed"]) for row in rows] == [
        (number, "complete", int(number == 1)) for number in range(3)
    ]


def test_a_killed_search_draws_what_an_uninterrupted_one_does(search, tmp_path):
    space = {"x": {"low": -2.0, "high": 2.0}, "y": {"low": 0.0, "high": 1.0}}
    whole = search(Runner(), space, sampler="tpe", trials=14, output_dir=tmp_path / "whole").run()
    count = itertools.count()
    with pytest.raises(KeyboardInterrupt):
        search(Runner(kill=lambda _: next(count) == 11), space, sampler="tpe", trials=14).run()
    rows = search(Runner(), space, sampler="tpe", trials=14).run()
    assert [(row["x"], row["y"], row["value"]) for row in rows] == [(row["x"], row["y"], row["value"]) for row in whole]


def test_steps_that_are_finished_are_not_repeated(search):
    class KilledInEvaluation(Runner):
        def __call__(self, run_id, *args, **options):
            if run_id == "evaluating":
                raise KeyboardInterrupt
            super().__call__(run_id, *args, **options)

    with pytest.raises(KeyboardInterrupt):
        search(KilledInEvaluation(), {"x": [1]}).run()
    runner = Runner()
    search(runner, {"x": [1]}).run()
    assert [run_id for run_id, _, _ in runner.calls] == ["evaluating"]


def test_failed_trials_are_kept_with_their_message(search, caplog):
    caplog.set_level(logging.WARNING)
    rows = search(Runner(fail=lambda options: options["x"] == 0)).run()
    assert [row["state"] for row in rows] == ["complete"] * 2 + ["failed"] * 2 + ["complete"] * 2
    assert rows[2]["message"] == "out of memory\nat line 3"
    assert "trial 2 failed: out of memory" in caplog.text
    runner = Runner()
    search(runner).run()
    assert runner.calls == []
    rows = search(runner, retry_failed=True).run()
    assert runner.trained() == [(0, 0.5), (0, 1.5)]
    assert {row["state"] for row in rows} == {"complete"}


def test_a_study_of_failures_alone_is_an_error(search):
    with pytest.raises(RuntimeError, match="all trials failed; trial 0: out of memory"):
        search(Runner(fail=lambda options: True)).run()


@pytest.mark.parametrize(
    ("key", "message"), [("scores.fid", "has no number at scores.fid; there is scores.a/b.value, scores.n.0")]
)
def test_an_objective_that_is_not_there_fails_with_what_there_is(search, key, message):
    with pytest.raises(RuntimeError, match=message):
        search(key=key).run()


def test_pruning_ends_a_trial_by_its_series(search):
    """x = 2 scores worse than the median at its first step."""
    runner = Runner()
    options = {"pruning": Pruning("median", {"n_startup_trials": 2}, SERIES)}
    rows = search(runner, {"x": [0, 0.5, 2, 0.2]}, **options).run()
    assert [row["state"] for row in rows] == ["complete", "complete", "pruned", "complete"]
    assert rows[2]["value"] is None
    assert [run_id for run_id, _, _ in runner.calls].count("evaluating") == 3
    trials = search(runner, {"x": [0, 0.5, 2, 0.2]}, **options).study().trials
    assert [len(trial.intermediate_values) for trial in trials] == [5, 5, 1, 5]


def test_hyperband_prunes_too(search):
    options = {"pruning": Pruning("hyperband", {"min_resource": 1, "max_resource": 4}, SERIES)}
    rows = search(Runner(), {"x": {"low": -9.0, "high": 9.0}}, sampler="tpe", trials=20, **options).run()
    states = [row["state"] for row in rows]
    assert states.count("pruned") + states.count("complete") == 20
    assert states.count("pruned") > 0


def test_tpe_comes_near_the_minimum_of_a_quadratic(search):
    sought = search(Runner(), {"x": {"low": -10.0, "high": 10.0}}, sampler="tpe", trials=40)
    rows = sought.run()
    assert abs(sought.best(rows)["x"] - 0.3) < 0.5
    later = [abs(row["x"] - 0.3) for row in rows[20:]]
    assert sum(later) / len(later) < 2.5  # 5 for a blind draw
    assert len({row["x"] for row in rows}) == 40


def test_the_seed_is_the_search(search, tmp_path):
    space = {"x": {"low": 1, "high": 64, "log": True}, "y": {"low": 0.0, "high": 1.0, "step": 0.25}}

    def drawn(name, seed):
        rows = search(Runner(), space, sampler="tpe", trials=12, seed=seed, output_dir=tmp_path / name).run()
        return [(row["x"], row["y"]) for row in rows]

    first = drawn("a", 0)
    assert first == drawn("b", 0) != drawn("c", 1)
    assert all(isinstance(x, int) and y in (0, 0.25, 0.5, 0.75, 1) for x, y in first)


def test_best_follows_the_direction_and_marks_stand_in_the_rows(search):
    sought = search(direction="maximize", marks={"theirs": {"x": 2, "y": 0.5}})
    rows = sought.run()
    assert (sought.best(rows)["x"], sought.best(rows)["y"]) == (2, 1.5)
    assert [row["mark"] for row in rows] == ["", "", "", "", "theirs", ""]
    assert sought.best([]) is None
