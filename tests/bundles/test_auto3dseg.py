"""MONAI's own AutoRunner drives segresnet_auto3dseg, without a network connection."""

import csv
import importlib
import json
import shutil
import socket
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.apps.auto3dseg import AutoRunner

from common.data.datalist import read_datalist, select_cases
from common.runs.auto3dseg import Auto3DSegRun, RunnerOptions
from common.runs.auto3dseg_template import AlgorithmTemplate
from tests.fresh_process import run_fresh

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "bundles" / "segresnet_auto3dseg"
WRONG = {
    "folds of the list": (lambda: {"options": RunnerOptions(num_fold=3)}, "num_fold is 3"),
    "no fold": (lambda: {"options": RunnerOptions(num_fold=0)}, "num_fold is 0"),
    "more networks than folds": (
        lambda: {"options": RunnerOptions(ensemble="best_n", n_best=3)},
        "n_best is 3, expected",
    ),
    "more than are trained": (
        lambda: {"options": RunnerOptions(num_fold=1, ensemble="best_n", n_best=2)},
        "n_best is 2, expected 1 to 1, .*: set --n_best",
    ),
    "unknown setting": (lambda: {"template": AlgorithmTemplate(BUNDLE, settings={"learning_rate": 1})}, "learning_rat"),
    "unknown ensemble": (lambda: {"options": RunnerOptions(ensemble="mean")}, r"best_by_fold\|best_n"),
    "unknown templates": (lambda: {"template": AlgorithmTemplate(BUNDLE, source="nnunet")}, r"ours\|monai"),
}


@pytest.fixture
def scripts(monkeypatch):
    """Function that imports a module of the bundle's scripts as AutoRunner does, from the folder above the bundle."""
    monkeypatch.syspath_prepend(ROOT / "bundles")
    return lambda name: importlib.import_module(f"segresnet_auto3dseg.scripts.{name}")


@pytest.fixture(scope="module")
def auto3dseg(phantom_dir, tmp_path_factory, run_workflow):
    """Function (**overrides) that runs `run auto3dseg` with the smoke overlay in a process without connections."""
    output = tmp_path_factory.mktemp("auto3dseg")

    def run(**overrides):
        options = {"dataset_dir": str(phantom_dir), "output_dir": str(output / "run"), "max_epochs": 1, **overrides}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OMP_NUM_THREADS", "1")
            patch.setattr(socket.socket, "connect", _refuse)
            patch.setattr("common.runs.workflow_run.run_process", _forked)
            return run_workflow("segresnet_auto3dseg", ["auto3dseg", "smoke"], **options)

    return run


def _forked(command, log, *, environment):
    """A fold's training without the start of Python."""
    finished = run_fresh(command[1:], folder=ROOT, environment=environment)
    log.write_text(finished.stdout + finished.stderr)
    return finished.returncode


def _refuse(socket, address, connect=socket.socket.connect):
    assert socket.family.name == "AF_UNIX", "a connection was opened"  # it asks for a fork
    connect(socket, address)


@pytest.fixture(scope="module")
def finished(auto3dseg):
    return auto3dseg()


@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=WRONG)
def test_wrong_options_are_refused_before_anything_runs(phantom_dir, tmp_path, options, message):
    where = {"dataset_dir": phantom_dir, "output_dir": tmp_path / "out"}
    with pytest.raises(ValueError, match=message):
        Auto3DSegRun(phantom_dir / "datalist.json", **{"template": AlgorithmTemplate(BUNDLE), **where, **options()})
    assert not (tmp_path / "out").exists()


def test_a_generated_set_that_is_not_there_is_told_before_the_data_analysis(phantom_dir, tmp_path):
    template = AlgorithmTemplate(BUNDLE, settings={"generated_dir": str(tmp_path / "none")})
    with pytest.raises(FileNotFoundError, match=r"no generated set at .*none"):
        Auto3DSegRun(
            phantom_dir / "datalist.json", template=template, dataset_dir=phantom_dir, output_dir=tmp_path / "out"
        )
    assert not (tmp_path / "out").exists()


def test_template_is_copied_without_data_and_outputs_under_its_own_name(phantom_dir, tmp_path):
    """As from the root of an exported bundle whose folder was renamed, with its data and outputs inside."""
    exported = shutil.copytree(BUNDLE, tmp_path / "my_copy-1.0", ignore=shutil.ignore_patterns("output", "common"))
    for part in ("common", "data", "output"):
        (exported / part).mkdir()
        (exported / part / "file").touch()
    template = AlgorithmTemplate(exported, settings={"amp": "bf16", "overlap": None, "lr": 1.0})
    where = {"dataset_dir": phantom_dir, "output_dir": exported / "work"}
    run = Auto3DSegRun(phantom_dir / "datalist.json", template=template, **where)
    for _ in range(2):
        assert run._runner().algos == "segresnet_auto3dseg"
    assert run._runner().pred_params == {"amp": "bf16"}
    copied = exported / "work" / "algorithm_templates" / "segresnet_auto3dseg"
    assert sorted(path.name for path in copied.iterdir()) == ["common", "configs", "docs", "scripts"]


def test_pairs_are_refused_beside_a_template_that_knows_none():
    with pytest.raises(ValueError, match=r"templates is monai, and .*generated_dir.* was given: .*--templates ours"):
        AlgorithmTemplate(BUNDLE, source="monai", settings={"generated_dir": "output/generated", "use_real": None})


def test_monai_templates_out_of_reach_are_named(phantom_dir, tmp_path, monkeypatch):
    template = AlgorithmTemplate(BUNDLE, source="monai", settings={"max_epochs": 3, "lr": 1})
    where = {"dataset_dir": phantom_dir, "output_dir": tmp_path / "run"}
    run = Auto3DSegRun(phantom_dir / "datalist.json", template=template, **where)
    assert run._runner().train_params == {"num_epochs": 3}

    def unreachable(self):
        raise ValueError("Download and extract of https://… failed, attempt 3/3.")

    monkeypatch.setattr(AutoRunner, "run", unreachable)
    with pytest.raises(ConnectionError, match="--templates ours"):
        run.run()


def test_autorunner_trains_every_fold_and_scores_the_test_cases(finished, phantom_dir):
    folds = sorted(path.parts[-4] for path in finished.glob("*/output/train/model.pt"))
    assert folds == ["segresnet-auto3dseg_0", "segresnet-auto3dseg_1"]
    for fold, name in enumerate(folds):
        state = json.loads((finished / name / "algo_object.json").read_text())
        rows = list(csv.DictReader((finished / name / "output/train/validation.csv").open()))
        assert state["best_metric"] == max(float(row["dice"]) for row in rows)
        assert state["_state_"]["fill_records"]["filled.yaml"]["fold"] == fold
    cases = select_cases(read_datalist(phantom_dir / "datalist.json"), folds="testing", dataset_dir=phantom_dir)
    rows = list(csv.DictReader((finished / "cases.csv").open()))
    assert [row["case_id"] for row in rows] == [case["case_id"] for case in cases]
    for case in cases:
        image = nib.load(case["image"])
        mask = nib.load(finished / "ensemble_output" / "images" / f"{case['case_id']}_ensemble.nii.gz")
        np.testing.assert_allclose(mask.affine, image.affine, atol=1e-5)
        assert mask.shape == image.shape
        assert set(np.unique(mask.dataobj)) <= {0, 1}
    assert json.loads((finished / "metrics.json").read_text())["scores"]["foreground"]["cases"] == len(cases)


def test_ensemble_predicts_with_the_trained_weights(finished, phantom_dir, scripts):
    """The mask is the argmax of the mean of both folds' probabilities, each computed here by the plain network."""
    infer = scripts("infer")
    case = select_cases(read_datalist(phantom_dir / "datalist.json"), folds="testing", dataset_dir=phantom_dir)[0]
    probabilities = []
    for bundle in sorted(finished.glob("segresnet-auto3dseg_*")):
        model = bundle / "output" / "train" / "model.pt"
        inferer = infer.InferClass(bundle, model, overlap=0.25, rank=0)
        weights = torch.load(model, weights_only=True)["model"]
        assert all(torch.equal(value, weights[name]) for name, value in inferer.network.state_dict().items())
        probabilities.append(inferer.infer(case))
        np.testing.assert_allclose(probabilities[-1].sum(0), 1, atol=1e-5)
        assert 0 <= probabilities[-1].min() < probabilities[-1].max() <= 1
    mean = torch.stack([*map(torch.as_tensor, probabilities)]).mean(0)
    mask = nib.load(finished / "ensemble_output" / "images" / f"{case['case_id']}_ensemble.nii.gz")
    np.testing.assert_array_equal(mask.get_fdata(), mean.argmax(0).numpy())


def test_second_run_trains_nothing_and_may_ensemble_otherwise(finished, auto3dseg, phantom_dir):
    models = {path: path.stat().st_mtime_ns for path in finished.glob("*/output/train/model.pt")}
    auto3dseg(ensemble="best_n", n_best=1)
    assert {path: path.stat().st_mtime_ns for path in finished.glob("*/output/train/model.pt")} == models
    assert json.loads((finished / "metrics.json").read_text())["ensemble"] == "best_n"
    with pytest.raises(RuntimeError) as refused:
        auto3dseg(lr=0.5)
    assert "settings.json was made with other settings:\n  settings.lr: found" in str(refused.value.__cause__)


def test_other_bundles_are_no_algorithms(phantom_dir, tmp_path):
    """AutoRunner on the whole folder of bundles takes only this one."""
    for name in ("hagan_128", "segresnet_auto3dseg"):
        shutil.copytree(ROOT / "bundles" / name, tmp_path / "bundles" / name, ignore=shutil.ignore_patterns("output"))
    source = {"modality": "CT", "datalist": str(phantom_dir / "datalist.json"), "dataroot": str(phantom_dir)}
    runner = AutoRunner(
        work_dir=str(tmp_path / "work"),
        input=source,
        templates_path_or_url=str(tmp_path / "bundles"),
        train=False,
        ensemble=False,
    )
    runner.set_analyze_params({"device": "cpu", "worker": 0})
    runner.run()
    generated = sorted(path.parent.name for path in (tmp_path / "work").glob("*/algo_object.json"))
    assert generated == ["segresnet-auto3dseg_0", "segresnet-auto3dseg_1"]
