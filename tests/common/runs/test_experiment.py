"""The experiment runner: what is run, with which options, and what is not run twice."""

import csv
import json
import shutil

import pytest

from common.files import write_csv
from common.runs.experiment import Experiment, read_case_scores
from common.runs.workflow_run import Workflow

ARMS = [
    {"name": "real"},
    {"name": "generated only", "options": {"use_real": False, "lr": 0.1}},
    {"name": "fine-tuned", "start_from": "generated only"},
]
NAMES = ("real/fold_0", "pasted/fold_0", "pasted/evaluation")


class Runner:
    """Writes what a training and an evaluation leave, and remembers the calls; fails at the ones named."""

    def __init__(self, fail_at=()):
        self.calls, self.fail_at = [], set(fail_at)

    def __call__(self, run_id, configs, options, log):
        name = f"{log.parent.parent.name}/{log.parent.name}"
        if name in self.fail_at:
            raise RuntimeError("killed")
        self.calls.append((name, run_id, dict(options)))
        log.parent.mkdir(parents=True, exist_ok=True)
        if run_id == "evaluating":
            (log.parent / "cases.csv").write_text("case_id,foreground/dice\na,0.5\nb,nan\n")
        else:
            (log.parent / "model.pt").touch()


@pytest.fixture
def experiment(tmp_path):
    def build(runner, arms=ARMS, options=None, **settings):
        settings = {"folds": [0, 1], "output_dir": tmp_path, "runner": runner, **settings}
        training = Workflow("training", ["train.yaml"], options or {})
        return Experiment(arms, training=training, evaluating=Workflow("evaluating", ["evaluate.yaml"]), **settings)

    return build


def test_every_arm_is_trained_on_every_fold_and_evaluated_as_an_ensemble(experiment, tmp_path):
    runner = Runner()
    scores = experiment(runner, options={"lr": 0.2, "seed": 1}).run()
    assert [name for name, _, _ in runner.calls] == [
        f"{arm}/{part}"
        for arm in ("real", "generated_only", "fine-tuned")
        for part in ("fold_0", "fold_1", "evaluation")
    ]
    assert scores == {arm["name"]: [{"a": 0.5, "b": None}] for arm in ARMS}
    calls = {name: options for name, _, options in runner.calls}
    assert calls["real/fold_1"] == {"lr": 0.2, "seed": 1, "fold": 1, "output_dir": str(tmp_path / "real/fold_1")}
    assert calls["generated_only/fold_0"]["lr"] == 0.1
    assert calls["fine-tuned/fold_1"]["init_from"] == str(tmp_path / "generated_only/fold_1/model.pt")
    assert calls["real/evaluation"]["checkpoint"] == [str(tmp_path / f"real/fold_{fold}/model.pt") for fold in (0, 1)]


def test_without_a_fold_one_model_is_trained_on_all(experiment):
    runner = Runner()
    experiment(runner, [{"name": "real"}], folds="all").run()
    assert runner.calls[0][0] == "real/all"
    assert runner.calls[0][2]["fold"] == "all"


def test_an_arm_lays_its_overlays_over_its_trainings_alone(experiment, tmp_path):
    experiment(Runner(), [{"name": "real"}, {"name": "pasted", "overlays": ["copy_paste.yaml"]}], folds=[0]).run()
    configs = {name: json.loads((tmp_path / name / "done.json").read_text())["configs"] for name in NAMES}
    wanted = (["train.yaml"], ["train.yaml", "copy_paste.yaml"], ["evaluate.yaml"])
    assert configs == dict(zip(NAMES, wanted, strict=True))


def test_a_killed_experiment_runs_what_is_missing(experiment):
    with pytest.raises(RuntimeError, match="killed"):
        experiment(Runner(fail_at=["generated_only/fold_1"])).run()
    runner = Runner()
    experiment(runner).run()
    assert [name for name, _, _ in runner.calls][:2] == ["generated_only/fold_1", "generated_only/evaluation"]
    again = Runner()
    experiment(again).run()
    assert again.calls == []


def test_a_config_that_says_something_else_is_not_gone_on_with(experiment, tmp_path):
    overlay = tmp_path / "small.yaml"
    arms = [{"name": "real", "overlays": [str(overlay)]}]
    overlay.write_text("lr: 0.1 # chosen\n")
    experiment(Runner(), arms).run()
    overlay.write_text("# a comment\nlr: 0.1\n")
    again = Runner()
    experiment(again, arms).run()
    assert again.calls == []
    overlay.write_text("lr: 0.2\n")
    with pytest.raises(ValueError, match=r"done\.json was made with other settings:\n  content: "):
        experiment(Runner(), arms).run()


def test_another_baseline_than_usual_is_told(experiment, caplog):
    arms = [{"name": "real"}, {"name": "half"}, {"name": "mixed"}, {"name": "own", "baseline": "half"}]
    left = experiment(Runner(), arms, only=["half", "mixed"]).left_out
    assert left == {"real": "arms without a baseline of their own are compared with 'half'"}
    assert "the arm 'real' is not run" in caplog.text
    assert not experiment(Runner(), arms, only=["half", "own"]).left_out
    assert not experiment(Runner(), arms, only=["real", "mixed"]).left_out


@pytest.mark.parametrize("removed,older", [("real/fold_0", "real/evaluation"), ("generated_only", "fine-tuned/fold_0")])
def test_what_was_made_from_a_model_is_not_kept_when_that_is_trained_anew(experiment, tmp_path, removed, older):
    """Scores of a model that is gone would stand beside those of new ones."""
    experiment(Runner()).run()
    shutil.rmtree(tmp_path / removed)
    runner = Runner()
    with pytest.raises(ValueError, match=rf"{older}.*: found finished, but made from a run that is missing"):
        experiment(runner).run()
    assert runner.calls == []


def test_other_options_are_not_mixed_into_a_finished_experiment(experiment):
    experiment(Runner(), options={"lr": 0.2}).run()
    with pytest.raises(ValueError, match=r"real.fold_0.done\.json was .*\n  options\.lr: found 0\.2, expected 0\.3\n"):
        experiment(Runner(), options={"lr": 0.3}).run()


@pytest.mark.parametrize(
    ("arms", "message"),
    [
        ([{"name": "a b"}, {"name": "a_b"}], "'a b' and 'a_b' have one folder"),
        (
            [{"name": "b", "start_from": "a"}, {"name": "a"}],
            "'b' starts from 'a', which must be run too and stand before it",
        ),
    ],
)
def test_arms_that_cannot_be_run_are_refused(experiment, arms, message):
    with pytest.raises(ValueError, match=message):
        experiment(Runner(), arms=arms)


def test_tables_and_case_scores(tmp_path):
    write_csv([{"arm": "real", "mean": 0.5}, {"arm": "mixed", "mean": 0.6}], tmp_path / "results.csv")
    assert list(csv.DictReader((tmp_path / "results.csv").open()))[1] == {"arm": "mixed", "mean": "0.6"}
    with pytest.raises(ValueError, match="lacks rows with case_id and foreground/dice"):
        read_case_scores(tmp_path / "results.csv")


# arms, only: words of the refusal
REFUSED = {
    "an option without value": ([{"name": "mixed", "options": {"generated_dir": None}}], None, "set --generated_dir"),
    "an arm that is not there": (ARMS, ["reel"], "'reel'.*expected some of .*'fine-tuned'"),
    "no arm": (ARMS, [], "only is"),
    "compared with a later one": ([{"name": "a", "baseline": "b"}, {"name": "b"}], None, "compared with 'b'"),
    "starting from one left out": (ARMS, ["fine-tuned"], "starts from 'generated only'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_arms_that_cannot_be_run_are_refused_at_once(case, experiment):
    arms, only, words = REFUSED[case]
    with pytest.raises(ValueError, match=words):
        experiment(Runner(), arms, only=only)


def test_each_fold_may_have_a_generator_of_its_own(experiment):
    runner = Runner()
    experiment(runner, [{"name": "mixed", "options": {"generated_dir": "gan_{fold}/generated"}}]).run()
    assert [options.get("generated_dir") for *_, options in runner.calls] == [
        "gan_0/generated",
        "gan_1/generated",
        None,
    ]


def test_the_time_of_an_arm_is_that_of_its_trainings(experiment, tmp_path):
    trials = experiment(Runner(), [{"name": "real"}])
    trials.run()
    for fold, seconds in ((0, 60.5), (1, 30)):
        path = tmp_path / f"real/fold_{fold}/done.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "seconds": seconds}))
    assert trials.seconds("real") == 90.5


def test_every_seed_has_trainings_and_an_evaluation_of_its_own(experiment, tmp_path):
    runner = Runner()
    arms = [{"name": "real"}, {"name": "pre-training", "updates": 0.5}, {"name": "tuned", "start_from": "pre-training"}]
    trials = experiment(runner, arms, {"max_epochs": 4, "epoch_steps": 5}, seeds=[3, 7], equal_updates=True)
    scores = trials.run()
    folders = [options["output_dir"] for _, _, options in runner.calls]
    parts = ("fold_0", "fold_1", "evaluation")
    wanted = [("real", parts), ("pre-training", parts[:2]), ("tuned", parts)]
    assert folders == [
        str(tmp_path / arm / f"seed_{seed}" / part) for seed in (3, 7) for arm, names in wanted for part in names
    ]
    seeds = [seed if trained else None for seed in (3, 7) for trained in (1, 1, 0, 1, 1, 1, 1, 0)]
    assert [options.get("seed") for *_, options in runner.calls] == seeds
    epochs = {options["max_epochs"] for *_, options in runner.calls if "pre-training" in options["output_dir"]}
    assert epochs == {2}
    tuned = next(options for *_, options in runner.calls if options["output_dir"].endswith("tuned/seed_7/fold_1"))
    assert tuned["init_from"] == str(tmp_path / "pre-training/seed_7/fold_1/model.pt")
    assert tuned["max_epochs"] == 2
    assert scores == {name: [{"a": 0.5, "b": None}] * 2 for name in ("real", "tuned")}
    assert experiment(Runner(), arms, {"max_epochs": 4, "epoch_steps": 5}, seeds=[3, 7, 9], equal_updates=True).run()
    for folder in tmp_path.glob("*/seed_*/fold_*"):
        done = json.loads((folder / "done.json").read_text())
        (folder / "done.json").write_text(json.dumps({**done, "seconds": 1}))
    assert (trials.seconds("real"), trials.seconds("tuned")) == (4, 8)  # two seeds, two folds, and the pre-training


def test_more_seeds_may_join_later(experiment):
    experiment(Runner(), [{"name": "real"}], seeds=[0], folds=[0]).run()
    runner = Runner()
    experiment(runner, [{"name": "real"}], seeds=[0, 1, 2], folds=[0]).run()
    assert [options.get("seed") for *_, options in runner.calls] == [1, None, 2, None]


def test_a_seed_in_the_settings_is_the_only_one(experiment, tmp_path):
    runner = Runner()
    experiment(runner, [{"name": "real"}], {"seed": 5}, seeds=[0, 1, 2], folds=[0]).run()
    training, evaluating = (options for *_, options in runner.calls)
    assert (training["output_dir"], training["seed"]) == (str(tmp_path / "real/fold_0"), 5)
    assert evaluating["output_dir"] == str(tmp_path / "real/evaluation")


@pytest.mark.parametrize("seeds", [[], [0, 0]])
def test_seeds_must_differ(experiment, seeds):
    with pytest.raises(ValueError, match="expected different ones"):
        experiment(Runner(), seeds=seeds)


def test_another_network_is_laid_over_training_and_evaluation_of_an_arm(experiment, tmp_path):
    arm = {"name": "dynunet", "overlays": ["dynunet.yaml"], "evaluate_overlays": ["dynunet.yaml"]}
    experiment(Runner(), [arm], folds=[0]).run()
    configs = [json.loads(path.read_text())["configs"] for path in sorted((tmp_path / "dynunet").glob("*/done.json"))]
    assert configs == [["evaluate.yaml", "dynunet.yaml"], ["train.yaml", "dynunet.yaml"]]


def test_arms_that_the_data_do_not_suffice_for_are_left_out(experiment, tmp_path):
    entries = [{"case_id": f"c{n}", "image": f"i{n}", "label": f"l{n}", "fold": n % 3} for n in range(8)]
    (tmp_path / "list.json").write_text(json.dumps({"training": entries, "testing": []}))
    arms = [{"name": f"{n} real", "options": {"real_count": n}} for n in (4, 5, 6)]
    arms.append({"name": "2 of a fold", "options": {"real_count": 2, "real_folds": [2]}})
    arms.append({"name": "3 of a fold", "options": {"real_count": 3, "real_folds": [2]}})
    trials = experiment(Runner(), arms, datalist=tmp_path / "list.json", folds=[0, 1])  # 5 train beside either
    assert [arm.name for arm in trials.compared] == ["4 real", "5 real", "2 of a fold"]
    assert trials.left_out["6 real"] == "it needs 6 real training cases, there are 5"
    for only in (None, ["6 real"]):
        with pytest.raises(ValueError, match=r"do not suffice for the arms that are asked for: '6 real': it needs 6"):
            experiment(Runner(), arms[2:3], datalist=tmp_path / "list.json", only=only)


@pytest.mark.parametrize("key", ["fold", "output_dir", "init_from"])
def test_what_the_experiment_sets_itself_is_refused(key, tmp_path):
    training, evaluating = Workflow("training", ["t.yaml"], {key: 1}), Workflow("evaluating", ["e.yaml"], {})
    given = {"folds": [0], "output_dir": tmp_path, "runner": print}
    with pytest.raises(ValueError, match=rf"settings: found {key} 1, expected options other than .*: leave it out"):
        Experiment([{"name": "real"}], training=training, evaluating=evaluating, **given)
    arms = [{"name": "real", "options": {key: 1}}]
    with pytest.raises(ValueError, match=rf"arm 'real': found {key} 1"):
        Experiment(arms, training=Workflow("training", ["t.yaml"], {}), evaluating=evaluating, **given)
