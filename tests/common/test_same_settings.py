"""The comparison of settings by hand-made cases, and that all places that go on with something begun use it."""

import re
from types import SimpleNamespace

import optuna
import pytest
import torch

from common.engines.ensemble import SoftmaxEnsemble
from common.files import write_json
from common.handlers.initial_weights import InitialWeights
from common.handlers.training_checkpoint import TrainingCheckpoint
from common.networks.model_file import write_model_file
from common.reader_study.store import create_study
from common.reader_study.study import prepare_study
from common.runs.auto3dseg import Auto3DSegRun
from common.runs.auto3dseg_template import AlgorithmTemplate
from common.runs.experiment import Experiment
from common.runs.published.verdicts import Verdicts
from common.runs.search.study import open_study
from common.runs.workflow_run import Workflow
from common.same_settings import require_same_settings

# found, expected: the lines of the refusal
DIFFERENT = {
    "a value": ({"lr": 0.1, "size": 32}, {"lr": 0.2, "size": 32}, ["lr: found 0.1, expected 0.2"]),
    "type": ({"fold": 1}, {"fold": "1"}, ["fold: found 1, expected '1'"]),
    "missing": ({"a": 1}, {"b": 2}, ["a: found 1, expected None", "b: found None, expected 2"]),
    "nested": ({"g": {"lr": 1, "n": {"x": 0}}}, {"g": {"lr": 1, "n": {"x": 3}}}, ["g.n.x: found 0, expected 3"]),
    "missing in a nested one": ({"g": {}}, {"g": {"lr": 1}}, ["g.lr: found None, expected 1"]),
    "a mapping and none": ({"g": {"lr": 1}}, {"g": None}, ["g: found {'lr': 1}, expected None"]),
    "lists are values": ({"window": [0, 1]}, {"window": [0, 2]}, ["window: found [0, 1], expected [0, 2]"]),
    "order of a list": ({"folds": [0, 1]}, {"folds": [1, 0]}, ["folds: found [0, 1], expected [1, 0]"]),
    "lists of mappings": ({"s": [{"a": 1}, {"a": 2}]}, {"s": [{"a": 1}, {"a": 3}]}, ["s.1.a: found 2, expected 3"]),
    "longer": ({"s": [{"a": 1}]}, {"s": [{"a": 1}, {}]}, ["s: found [{'a': 1}], expected [{'a': 1}, {}]"]),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_differs_is_named_with_both_values(case):
    found, expected, lines = DIFFERENT[case]
    with pytest.raises(ValueError) as error:
        require_same_settings(found, expected, source="a/done.json", remedy="Remove a.")
    rows = [f"  {line}" for line in lines]
    assert str(error.value).split("\n") == ["a/done.json was made with other settings:", *rows, "Remove a."]


@pytest.mark.parametrize(
    ("found", "expected"),
    [({}, {}), ({"a": 1, "b": None}, {"a": 1.0}), ({"b": {"d": 2, "c": [1]}}, {"b": {"c": [1], "d": 2}})],
)
def test_what_is_equal_or_may_differ_passes(found, expected):
    require_same_settings(found, expected, source="a", remedy="")
    require_same_settings({**found, "roi": [8]}, {**expected, "roi": [16]}, source="a", remedy="", may_differ=["roi"])


def write_model(path, size):
    write_model_file(path, torch.nn.Linear(1, 1), settings={"size": size}, training={"case_ids": ["a"]})
    return path


def checkpoint(folder):
    torch.save({"settings": {"size": 1}}, folder / "checkpoint_00000001.pt")
    engine = SimpleNamespace(state=SimpleNamespace(device="cpu"))
    TrainingCheckpoint(folder, {}, settings={"size": 2}).load(engine)


def initial_weights(folder):
    InitialWeights(write_model(folder / "m.pt", 1), torch.nn.Linear(1, 1), settings={"size": 2})


def ensemble(folder):
    SoftmaxEnsemble(torch.nn.Linear(1, 1), [write_model(folder / "a.pt", 2), write_model(folder / "m.pt", 1)])


def search(folder):
    storage = optuna.storages.InMemoryStorage()
    for size in (1, 2):
        open_study("s", storage=storage, description={"direction": "minimize", "size": size}, points=[])


def auto3dseg(folder):
    entries = [
        {"image": f"i{fold}", "label": f"l{fold}", "case_id": f"c{fold}", "centre": "a", "fold": fold}
        for fold in (0, 1)
    ]
    write_json({"labels": {"0": "background", "1": "a"}, "training": entries, "testing": []}, folder / "list.json")
    for size in (1, 2):
        template = AlgorithmTemplate(folder, source="monai", settings={"size": size})
        where = {"dataset_dir": folder, "output_dir": folder}
        Auto3DSegRun(folder / "list.json", template=template, **where)._record()


def published_set(folder):
    for size in (1, 2):
        Verdicts(folder, output_dir=folder / "set", request={"size": size}).open()


def experiment(folder):
    def runner(run_id, configs, options, log):
        log.parent.mkdir(parents=True)
        (log.parent / "cases.csv").write_text("case_id,foreground/dice\nc,1\n")

    for size in (1, 2):
        workflows = {"training": Workflow("training", [], {"size": size}), "evaluating": Workflow("evaluating", [])}
        Experiment([{"name": "a"}], **workflows, folds="all", output_dir=folder, runner=runner).run()


def reader_study(folder):
    create_study(folder / "s.sqlite", settings={"size": 1, "layout": "scroll"}, items=[])
    draw = {"real": [], "generated": [], "preprocessing": {}, "spacing": (1, 1, 1)}
    prepare_study(folder / "s.sqlite", settings={"size": 2}, **draw)


# what goes on with something that was begun: what its refusal names
PLACES = {
    checkpoint: r"checkpoint_00000001\.pt",
    initial_weights: r"m\.pt",
    ensemble: r"m\.pt",
    search: "the study 's' in the storage",
    auto3dseg: r"settings\.json",
    published_set: r"request\.json",
    experiment: r"a/all/done\.json",
    reader_study: r"s\.sqlite",
}


@pytest.mark.parametrize("begin", PLACES, ids=lambda begin: begin.__name__)
def test_every_place_refuses_in_one_form(begin, tmp_path):
    with pytest.raises(ValueError) as error:
        begin(tmp_path)
    form = rf"(?s).*{PLACES[begin]} was made with other settings:\n  ([a-z.]*)size: found 1, expected 2\n[A-Z].*\."
    assert re.fullmatch(form, str(error.value))
