"""What a training did to its files travels with its model and its pairs, and every bundle follows."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from common.data.datalist import read_datalist
from common.data.generated_set import read_generated_set
from common.data.preprocessing import ASSUMED

ROOT = Path(__file__).parents[2]
CENTRES = ("CHUM", "CHUP", "CHUS", "CHUV", "HGJ", "HMR", "MDA")
NECK = {centre: [[0.18, 0.82], [0.3, 0.86], [0.0, 0.75]] for centre in CENTRES}
TRAINED = {**ASSUMED, "spacing": [6, 6, 6], "centre_bounds": NECK}
# (bundle, config): the entries, the transforms that read them, overrides
READERS = {
    ("hagan_128", "train"): ("train::data", "train::preprocessing", {}),
    ("hagan_256", "train"): ("train::data", "train::preprocessing", {}),
    ("hagan_128", "augmenting"): ("data", "load", {}),
    ("baseline_gans", "train"): ("train::data", "train::preprocessing", {"fit": "resize"}),
    ("latent_flow", "train"): ("train::data", "train::preprocessing", {}),
    ("evaluation", "train"): ("train::data", "train::preprocessing", {}),
    ("evaluation", "inference"): ("listed", "preprocessing", {}),
    ("evaluation", "evaluate"): ("real_cases", "deterministic_transforms::real", {}),
    ("evaluation", "reader_study"): ("prepared::real", "deterministic_transforms::real", {}),
    ("segresnet_auto3dseg", "train"): ("train::data", "train::preprocessing", {}),
    ("segresnet_auto3dseg", "inference"): ("listed", "preprocessing", {}),
    ("segresnet_auto3dseg", "evaluate"): ("dataset::data", "preprocessing", {}),
}


def parsed(bundle, names, **overrides):
    """Config of a workflow, laid over each other as on the command line."""
    folder = ROOT / "bundles" / bundle / "configs"
    parser = ConfigParser(ConfigParser.load_config_files([str(folder / f"{name}.yaml") for name in names]))
    parser.read_meta(folder / "metadata.json")
    parser.update(overrides)
    return parser


@pytest.fixture(scope="module")
def model(run_workflow, phantom_dir, tmp_path_factory):
    """Model file of a generator of the phantoms' necks."""
    options = {"dataset_dir": str(phantom_dir), "output_dir": str(tmp_path_factory.mktemp("train"))}
    return run_workflow("hagan_128", ["train", "smoke", "phantom_crop"], folds=[1], **options) / "model.pt"


@pytest.fixture(scope="module")
def pairs(model, run_workflow, tmp_path_factory):
    """A set of four of its pairs."""
    options = {"checkpoint": str(model), "output_dir": str(tmp_path_factory.mktemp("generated")), "num_samples": 4}
    return run_workflow("hagan_128", ["inference", "smoke"], workflow_type="infer", **options)


@pytest.fixture
def old_pairs(pairs, tmp_path):
    """The same set as it was written before the preprocessing was recorded."""
    folder = shutil.copytree(pairs, tmp_path / "old")
    provenance = json.loads((folder / "provenance.json").read_text())
    del provenance["preprocessing"], provenance["settings"]["preprocessing"]
    (folder / "provenance.json").write_text(json.dumps(provenance))
    return folder


@pytest.fixture
def evaluate(run_workflow, phantom_dir, tmp_path):
    """Function (generated_dir, **overrides) -> metrics.json and page of an evaluation of the masks."""

    def run(generated_dir, **overrides):
        options = {"dataset_dir": str(phantom_dir), "generated_dir": str(generated_dir), "folds": [0]}
        options |= {"sections": ["masks"], "output_dir": str(tmp_path / "evaluation"), **overrides}
        folder = run_workflow("evaluation", ["evaluate", "smoke"], **options)
        return json.loads((folder / "metrics.json").read_text()), (folder / "report.html").read_text()

    return run


def test_model_and_set_carry_one_mapping(model, pairs):
    assert torch.load(model, weights_only=True)["settings"]["preprocessing"] == TRAINED
    assert json.loads((pairs / "provenance.json").read_text())["preprocessing"] == TRAINED
    assert read_generated_set(pairs).preprocessing == TRAINED
    assert json.loads((pairs / "dataset.json").read_text())["cropped"] is True


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"fit": "zoom", "zoom": 0.5}, {"fit": "zoom", "zoom": 0.5, "spacing": None, "crop": "none"}),
        ({"fit": "resize", "spacing": [2, 2, 2]}, {"zoom": None, "spacing": [2, 2, 2]}),
    ],
)
def test_the_other_gans_carry_it_too(overrides, expected):
    found = parsed("baseline_gans", ["train"], label_names={"0": "background"}, labels=3, **overrides)
    assert found.get_parsed_content("trained")["preprocessing"] == {**ASSUMED, **expected}


def test_the_evaluation_prepares_real_cases_as_the_training_did(evaluate, pairs):
    metrics, _ = evaluate(pairs)  # the smoke overlays of both bundles have one spacing
    assert metrics["protocol"]["volumes"]["real"]["preprocessing"] == TRAINED
    assert metrics["protocol"]["notes"] == metrics["warnings"] == []
    config = parsed("evaluation", ["evaluate"], generated_dir=str(pairs))
    assert config.get_parsed_content("preprocessing") == TRAINED


def test_another_setting_is_named_in_the_protocol_and_on_the_page(evaluate, pairs):
    note = (
        "real cases are not prepared as the generator's training did: spacing [5, 5, 5] instead of [6, 6, 6], "
        "crop none instead of body"
    )
    metrics, page = evaluate(pairs, spacing=[5, 5, 5], crop="none")
    assert metrics["protocol"]["notes"] == metrics["warnings"] == [note]
    assert note.replace("'", "&#39;") in page


def test_an_old_set_is_scored_and_the_page_says_what_was_assumed(evaluate, old_pairs):
    config = parsed("evaluation", ["evaluate"], generated_dir=str(old_pairs))
    assert config.get_parsed_content("preprocessing") == ASSUMED
    metrics, page = evaluate(old_pairs)
    assert metrics["warnings"][0].startswith("nothing tells how the generator's training prepared its volumes")
    assert "nothing tells how the generator" in page


def test_the_reader_study_follows_and_says_so(pairs, old_pairs, phantom_dir):
    options = {"dataset_dir": str(phantom_dir)}
    study = parsed("evaluation", ["reader_study"], generated_dir=str(pairs), **options)
    settings = study.get_parsed_content("settings")
    assert settings["preprocessing"] == TRAINED and settings["notes"] == []
    options |= {"generated_dir": str(pairs), "centre_bounds": {}}
    (note,) = parsed("evaluation", ["reader_study"], **options).get_parsed_content("settings")["notes"]
    assert f"centre_bounds {{}} instead of {NECK}" in note
    options = {"dataset_dir": str(phantom_dir), "generated_dir": str(old_pairs)}
    (note,) = parsed("evaluation", ["reader_study"], **options).get_parsed_content("settings")["notes"]
    assert note.startswith("nothing tells")


def test_the_segmenter_crops_real_cases_as_the_generator_did(run_workflow, pairs, phantom_dir, tmp_path):
    def train(**overrides):
        options = {"dataset_dir": str(phantom_dir), "output_dir": str(tmp_path / "train"), "max_epochs": 1, **overrides}
        options |= {"generated_dir": str(pairs), "generated_count": 2}
        folder = run_workflow("segresnet_auto3dseg", ["train", "smoke"], **options)
        return torch.load(folder / "model.pt", weights_only=True)

    content = train()
    assert content["settings"]["centre_bounds"] == NECK and content["settings"]["crop"] == "body"
    assert content["training"]["notes"] == []
    content = train(centre_bounds={}, output_dir=str(tmp_path / "other"))
    (note,) = content["training"]["notes"]
    assert f"centre_bounds {{}} instead of {NECK}" in note


def test_all_arms_of_an_experiment_crop_alike(pairs, phantom_dir):
    options = {"dataset_dir": str(phantom_dir), "generated_dir": str(pairs), "settings": {"max_epochs": 1}}
    trials = parsed("segresnet_auto3dseg", ["experiment"], **options).get_parsed_content("trials")
    assert trials.training.options == {
        "dataset_dir": str(phantom_dir),
        "datalist": str(phantom_dir / "datalist.json"),
        "centre_bounds": NECK,
        "crop": "body",
        "max_epochs": 1,
        "epoch_steps": 2,  # of four real cases in batches of two
    }


@pytest.mark.parametrize("case", READERS, ids=str)
@pytest.mark.parametrize("cropped", [True, False])
def test_what_is_cropped_is_not_cropped_again(case, cropped, phantom_dir, generated_dir, tmp_path, monkeypatch):
    content = read_datalist(phantom_dir / "datalist.json")
    (tmp_path / "datalist.json").write_text(json.dumps({**content, "cropped": cropped}))
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("common.transforms.centre_crop.CentreBoundsCrop._body_box", lambda self, img: 1 / 0)
    (bundle, name), (entries, transforms, overrides) = case, READERS[case]
    options = {"dataset_dir": str(phantom_dir), "datalist": str(tmp_path / "datalist.json"), "cache": "none"}
    options |= {"output_dir": str(tmp_path), "checkpoint": "none.pt", "generated_dir": str(generated_dir)}
    options = {key: value for key, value in options.items() if key in parsed(bundle, [name])}
    if (bundle, name) == ("segresnet_auto3dseg", "train"):
        options["generated_dir"] = None
    if (bundle, name) == ("segresnet_auto3dseg", "evaluate"):
        options["trained"] = {**ASSUMED, "hu_window": [-1024, 600]}
    config = parsed(bundle, [name, "smoke"], **options, **overrides)
    entry, read = config.get_parsed_content(entries)[0], config.get_parsed_content(transforms)
    if cropped:
        assert read(dict(entry))
    else:
        with pytest.raises((ZeroDivisionError, RuntimeError)) as error:
            read(dict(entry))
        assert "division by zero" in str(error.value.__cause__ or error.value)
