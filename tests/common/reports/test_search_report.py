"""The report of a hyperparameter search: its table, the best trial's settings, importance and page."""

import csv
import json

import optuna
import pytest

from common.reports.search_report import SearchReport
from common.runs.search.objective import Objective
from common.runs.search.plan import SearchPlan
from common.runs.search.search import Execution, Search
from common.runs.search.space import SearchSpace
from common.runs.search.steps import Step
from tests.quick_pictures import draw_quickly

SPACE = {"lr": [0.1, 0.2, 0.3, 0.4], "window": [[0, 1], [0, 2]], "dim": [8]}


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch):
    """What is on a picture is tested with the module that draws it."""
    draw_quickly(monkeypatch)


def runner(run_id, configs, options, log, *, watch, interval):
    """The learning rate decides, the window hardly does."""
    if options["lr"] == 0.2 and options["window"] == [0, 1]:
        raise RuntimeError("diverged\n<b>at step 3</b>")
    score = (options["lr"] - 0.3) ** 2 + 1e-4 * options["window"][1]
    log.parent.mkdir(parents=True)
    (log.parent / "metrics.json").write_text(json.dumps({"fid": score}))


@pytest.fixture
def search(tmp_path):
    """Function (**options) -> a search of eight trials that has not run."""
    config = tmp_path / "train.yaml"
    config.write_text("lr: 1\nwindow: []\ndim: 1\nseed: 0\n")
    storage = optuna.storages.InMemoryStorage()

    def build(space=SPACE, runner=runner, **options):
        steps = [Step("training", config_files=[str(config)])]
        objective = Objective("fid", file="{trial_dir}/training/metrics.json")
        plan = SearchPlan(SearchSpace(space), steps, objective, **options)
        return Search(plan, Execution(tmp_path / "search", storage=storage, runner=runner))

    return build


def test_table_best_and_page(search, tmp_path):
    finished = search(marks={"HPO1": {"lr": 0.4, "dim": 8}})
    best = SearchReport(finished).write(finished.run())
    with (tmp_path / "search" / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == [str(number) for number in range(8)]
    assert [row["state"] for row in rows] == ["complete"] * 2 + ["failed"] + ["complete"] * 5
    assert [row["mark"] for row in rows] == [""] * 6 + ["HPO1"] * 2
    assert json.loads((tmp_path / "search" / "best.json").read_text()) == {"lr": 0.3, "window": [0, 1], "dim": 8}
    assert best["trial"] == 4
    page = (tmp_path / "search" / "search.html").read_text()
    assert "7 complete, 1 failed" in page
    assert "diverged" in page and "at step 3" not in page
    assert page.count("data:image/png") == 2


def test_importance_tells_what_decides(search):
    finished = search()
    finished.run()
    importance = SearchReport(finished).importance()
    assert set(importance) == {"lr", "window"}
    assert importance["lr"] > 0.8
    assert sum(importance.values()) == pytest.approx(1)
    assert importance == SearchReport(finished).importance()


def test_a_search_that_has_hardly_begun_is_reported_too(search, tmp_path):
    waiting = search()
    assert SearchReport(waiting).write(waiting.rows()) is None
    assert sorted(path.name for path in (tmp_path / "search").iterdir()) == ["search.html", "trials.csv"]
    assert "8 waiting" in (tmp_path / "search" / "search.html").read_text()


def test_one_trial_has_no_importance(search, tmp_path):
    one = search({"lr": [0.1], "window": [[0, 1]]})
    SearchReport(one).write(one.run())
    assert "Importance needs complete trials" in (tmp_path / "search" / "search.html").read_text()
    assert not (tmp_path / "search" / "importance.png").exists()


def row(number, value, **keys):
    return {"trial": number, "state": "complete" if value is not None else "failed", "value": value, **keys}


def noisy(run_id, configs, options, log, *, watch, interval):
    """One seed of a middling learning rate is lucky; the window decides a second score."""
    lucky = options["lr"] == 0.2 and options["seed"] == 1
    score = 0.0 if lucky else {0.2: 1.0, 0.3: 0.4}[options["lr"]] + 0.1 * options["seed"]
    log.parent.mkdir(parents=True)
    (log.parent / "metrics.json").write_text(json.dumps({"fid": score, "dice": {"a": options["window"][1] * 0.1}}))


def test_repeated_combinations_are_gathered(search, tmp_path):
    space = {"lr": [0.2, 0.3], "window": [[0, 1], [0, 2]], "seed": [0, 1]}
    finished = search(space, runner=noisy)
    best = SearchReport(finished, scores={"dice": "dice.a", "none": "dice.b"}, repeat="seed").write(finished.run())
    assert (best["lr"], best["seed"]) == (0.3, 0)  # not the lucky one, whose combination's mean is 0.5
    with (tmp_path / "search" / "combinations.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["value"] for row in rows] == ["0.45 ± 0.071"] * 2 + ["0.5 ± 0.71"] * 2
    with (tmp_path / "search" / "effects.csv").open(newline="") as file:
        effects = {(row["score"], row["factor"]): float(row["difference"]) for row in csv.DictReader(file)}
    assert effects[("dice", "window")] == pytest.approx(0.1)
    assert ("none", "lr") not in effects
    page = (tmp_path / "search" / "search.html").read_text()
    assert "What each factor changes" in page


def test_a_combination_whose_bad_runs_were_pruned_is_not_the_best(search, tmp_path):
    report = SearchReport(search({"lr": [0.2, 0.3], "window": [[0, 1]], "seed": [0, 1]}), repeat="seed")
    values = {(0.2, 0): 0.9, (0.2, 1): 1.1, (0.3, 0): 0.95, (0.3, 1): None}
    rows = [{"lr": lr, "window": [0, 1], "seed": seed, "value": value} for (lr, seed), value in values.items()]
    assert {row["lr"] for row in report._of_best_combination(rows)} == {0.2}


def test_a_key_that_is_not_sampled_repeats_nothing(search):
    with pytest.raises(ValueError, match="repeat: 'seed' is not sampled, expected one of lr, window, dim"):
        SearchReport(search(), repeat="seed")
