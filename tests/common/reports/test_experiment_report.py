"""An experiment from its arms to its page, with trainings and evaluations of known outcome in place of real ones."""

import csv
import json
import re

import numpy as np
import pytest

from common.reports.experiment_report import ExperimentReport
from common.runs.experiment import Experiment
from common.runs.workflow_run import Workflow
from tests.quick_pictures import draw_quickly

GENERATED = {"generated_dir": "set", "generated_share": 0.5, "generated_share_end": 0}
ARMS = [
    {"name": "20 real"},
    {"name": "10 real", "options": {"real_count": 10}},
    {"name": "20 real + pairs", "options": GENERATED},
    {"name": "pre-training", "options": {"use_real": False, "generated_dir": "set"}, "updates": 0.5},
    {"name": "pairs then 20 real", "start_from": "pre-training"},
]
CASES = 30
VALIDATIONS = 20


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch):
    """What is on a picture is tested with the module that draws it."""
    draw_quickly(monkeypatch)


class Outcome:
    """Writes what trainings and evaluations leave: the mean Dice of each arm, cases and seeds that vary about it."""

    def __init__(self, dice, *, rising=()):
        self.dice, self.rising = dice, rising

    def __call__(self, run_id, configs, options, log):
        folder = log.parent
        folder.mkdir(parents=True)
        arm, seed = folder.parts[-3], int(folder.parts[-2].removeprefix("seed_"))
        if run_id == "training":
            self.train(folder, arm, options)
        else:
            self.evaluate(folder, arm, seed)

    def train(self, folder, arm, options):
        steps = options["max_epochs"] * options["epoch_steps"]
        rows = [f"{step},{1 / step}" for step in range(1, steps + 1)]
        (folder / "losses.csv").write_text("\n".join(["step,loss", *rows]))
        flat = arm not in self.rising
        dice = [min(n, 8) / 20 if flat else n / 20 for n in range(1, VALIDATIONS + 1)]
        rows = [f"{number},{value}" for number, value in enumerate(dice, start=1)]
        (folder / "validation.csv").write_text("\n".join(["epoch,dice", *rows]))

    def evaluate(self, folder, arm, seed):
        noise = np.random.default_rng([seed, len(arm)]).normal(0, 0.01, CASES)
        hard = np.random.default_rng(0).normal(0, 0.1, CASES)  # the same in every arm
        rows = [f"c{n},{value}" for n, value in enumerate(self.dice[arm] + hard + noise)]
        (folder / "cases.csv").write_text("\n".join(["case_id,foreground/dice", *rows]))
        value = {"value": self.dice[arm]}
        scores = {"aggregated_dice": value, "hd95_mm": {"value": 9.0}, "empty_predictions": seed}
        counts = {"real": 10 if arm == "10_real" else 20, "generated": 50 if "pairs" in arm else 0}
        training = {"counts": counts, "generated_share": [0.5, 0.0] if arm == "20_real___pairs" else None}
        checkpoints = [{"training": training, "leakage": None}]
        (folder / "metrics.json").write_text(json.dumps({"scores": {"foreground": scores}, "checkpoints": checkpoints}))


@pytest.fixture
def reported(tmp_path):
    """Function (outcome) -> rows of results.csv by arm, and the words of the page."""

    def report(outcome, arms=ARMS, seeds=(0, 1, 2)):
        training = Workflow("training", ["train.yaml"], {"max_epochs": 20, "epoch_steps": 2})
        trials = Experiment(
            arms,
            training=training,
            evaluating=Workflow("evaluating", ["evaluate.yaml"]),
            folds=[0],
            seeds=seeds,
            equal_updates=True,
            output_dir=tmp_path,
            runner=outcome,
        )
        ExperimentReport(trials, replicates=200).write(trials.run())
        with (tmp_path / "results.csv").open(newline="") as file:
            rows = {row["arm"]: row for row in csv.DictReader(file)}
        words = re.sub(r"<[^>]+>", "\n", (tmp_path / "results.html").read_text().partition("<body>")[2])
        return rows, words.replace("&#39;", "'")

    return report


DICE = {"20_real": 0.6, "10_real": 0.5, "20_real___pairs": 0.64, "pairs_then_20_real": 0.6}


def test_a_table_with_head_room_says_what_helps(reported, tmp_path):
    rows, words = reported(Outcome(DICE, rising=["20_real___pairs"]))
    assert list(rows) == ["20 real", "10 real", "20 real + pairs", "pairs then 20 real"]
    assert {row["updates"] for row in rows.values()} == {"40"}
    assert "30 test cases, folds [0], seeds [0, 1, 2], 40 updates in every arm." in words
    assert {row["head_room"] for row in rows.values()} == {"yes"}
    assert float(rows["20 real + pairs"]["difference"]) == pytest.approx(0.04, abs=0.005)
    assert rows["20 real"]["seeds"] == "3" and float(rows["20 real"]["seed_sd"]) < 0.01
    assert float(rows["20 real"]["empty_predictions"]) == 0 + 1 + 2
    assert rows["20 real + pairs"]["generated_share"] == "50% → 0%"
    assert rows["20 real + pairs"]["converged"] == "still rising" and rows["20 real"]["converged"] == "converged"
    assert "Yes, there is room for a gain on the 20 real cases of '20 real': with 10 of them alone" in words
    gain = float(rows["20 real + pairs"]["difference"])
    assert f"'20 real + pairs' is better than '20 real': {gain:+.3f} Dice (95 % interval +0.0" in words
    assert "What does harm" not in words  # ten real cases lose, which is head-room
    assert re.search(r"no difference that the test cases could show\s+'pairs then 20 real' against", words)
    assert "Training had not ended for '20 real + pairs'" in words
    assert "trained with one seed" not in words
    for name in ("arms.png", "low_data.png", "convergence.png", "learning_curves.png"):
        assert (tmp_path / name).is_file()


def test_a_table_without_head_room_says_so_first(reported):
    rows, words = reported(Outcome({**DICE, "10_real": 0.59, "20_real___pairs": 0.6}))
    assert {row["head_room"] for row in rows.values()} == {"no"}
    first = words.partition("Can this table show a gain?\n")[2].partition("Can this table show a gain?\n")[2].strip()
    assert first.startswith("No, the table cannot show a gain on the 20 real cases of '20 real': with 10 of them alone")
    assert "No arm is better than its baseline beyond doubt." in words
    assert "and the table has no room for a gain" in words


def test_a_table_without_an_arm_of_half_the_cases_says_that_it_is_unknown(reported):
    rows, words = reported(Outcome(DICE), [ARMS[0], ARMS[2]], seeds=[4])
    assert {row["head_room"] for row in rows.values()} == {"unknown"}
    assert "Unknown for the 20 real cases of '20 real': no arm was trained on half of them" in words
    assert "Add an arm with `real_count: 10`." in words
    assert "trained with one seed" in words
