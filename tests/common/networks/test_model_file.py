"""Model files in the form of exported bundles: a bare state dict, and JSON beside it."""

import json

import pytest
import torch

from common.files import file_sha256
from common.networks.model_file import read_model_file, read_settings, weights_sha256, write_model_file


def test_the_two_files_are_read_as_one(tmp_path):
    path = tmp_path / "model.pt"
    torch.save({"weight": torch.ones(2)}, path)
    with pytest.raises(ValueError, match=r"those of exported bundles have a \.json beside them"):
        read_model_file(path)
    beside = {"settings": {"channels": 8}, "training": {"case_ids": ["a"]}, "source_sha256": "ab"}
    path.with_suffix(".json").write_text(json.dumps(beside))
    content = read_model_file(path)
    assert list(content) == ["model", "settings", "training"]
    assert torch.equal(content["model"]["weight"], torch.ones(2)) and content["settings"] == {"channels": 8}


def test_weights_go_by_the_hash_of_the_file_that_the_training_left(tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(b"weights")
    assert weights_sha256(path) == file_sha256(path)
    path.with_suffix(".json").write_text('{"mine": 1}')
    assert weights_sha256(path) == file_sha256(path)
    path.with_suffix(".json").write_text('{"source_sha256": "ab"}')
    assert weights_sha256(path) == "ab"


def test_a_training_that_writes_over_exported_weights_leaves_one_file_that_says_all(tmp_path):
    path, training = tmp_path / "model.pt", {"case_ids": ["b"]}
    torch.save({"weight": torch.ones(2)}, path)
    path.with_suffix(".json").write_text('{"settings": {}, "training": {"case_ids": ["a"]}, "source_sha256": "ab"}')
    write_model_file(path, torch.nn.Linear(1, 1), settings={}, training=training)
    assert not path.with_suffix(".json").exists()
    assert read_model_file(path)["training"] == training and weights_sha256(path) == file_sha256(path)
    path.with_suffix(".json").write_text('{"mine": 1}')
    write_model_file(path, torch.nn.Linear(1, 1), settings={}, training=training)
    assert path.with_suffix(".json").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.ones(2), "holds a Tensor, expected a dictionary with model, settings and training: name the model.pt"),
        ([1], "holds a list, expected a dictionary"),
        ({1: 2, "a": 3}, r"has the keys \['1', 'a'\], expected model, settings and training"),
        ({"model": {}, "settings": None, "training": {}}, "has settings None and training {}, expected"),
        ({"model": {}, "settings": {}, "training": ["a"]}, "has settings {} and .* dictionaries: train again"),
        (
            {"model": {}, "settings": {}, "training": {"case_ids": "a1"}},
            "has training.case_ids 'a1', expected a list of case ids: the guards against leakage need it",
        ),
        ({"model": {}, "settings": {}, "training": {"case_ids": None}}, "has training.case_ids None, expected a list"),
        ({"model": {}, "settings": {}, "training": {"case_ids": [None]}}, "has among training.case_ids None, expected"),
    ],
)
def test_files_of_another_content_are_named(content, message, tmp_path):
    torch.save(content, tmp_path / "model.pt")
    with pytest.raises(ValueError, match=message):
        read_model_file(tmp_path / "model.pt")


@pytest.mark.parametrize("content", [b"", b"these are no weights", "cut", "folder"])
def test_what_holds_no_weights_is_named(content, tmp_path):
    path, message = tmp_path / "model.pt", "(cannot be read as a file of weights|is damaged)"
    write_model_file(path, torch.nn.Linear(30, 30), settings={}, training={})
    if content == "folder":
        path, message = tmp_path, "no trained model at"
    else:
        path.write_bytes(path.read_bytes()[:2000] if content == "cut" else content)
    with pytest.raises((ValueError, FileNotFoundError), match=message) as error:
        read_model_file(path)
    assert str(path) in str(error.value) and ("make it again" in str(error.value) or "train one" in str(error.value))


def test_a_damaged_file_beside_exported_weights_is_named(tmp_path):
    torch.save({"weight": torch.ones(2)}, tmp_path / "model.pt")
    for content in ("{", "[1]"):
        (tmp_path / "model.json").write_text(content)
        with pytest.raises(ValueError, match=r"model\.json (is no JSON|holds \[1\]).*export the bundle again"):
            read_model_file(tmp_path / "model.pt")


def test_settings_without_a_spacing_are_named(tmp_path):
    write_model_file(tmp_path / "model.pt", torch.nn.Linear(1, 1), settings={"channels": 8}, training={})
    with pytest.raises(ValueError, match=r"model\.pt has no spacing under training, expected the mm"):
        read_settings(tmp_path / "model.pt")


@pytest.mark.parametrize(
    ("settings", "expected", "message"),
    [
        ({"network": "segresnet_ds"}, {"latent_dim": 2}, "network 'segresnet_ds', .* builds another kind"),
        ({"latent_dim": 2}, {"network": "unet"}, "weights of another kind of network, .* builds a network"),
        ({"network": "a"}, {"network": "b"}, "network 'a', this configuration builds 'b': add the overlay of 'a'"),
        ({"latent_dim": 2}, {"kind": "organs"}, "is a generator's or segmenter's, expected one of the kind organs"),
        ({"kind": "organs"}, {"latent_dim": 2}, "is of the kind organs, expected one a generator's"),
    ],
)
def test_a_file_of_another_network_is_named(settings, expected, message, tmp_path):
    path = tmp_path / "model.pt"
    write_model_file(path, torch.nn.Linear(1, 1), settings=settings, training={"spacing": [1, 1, 1]})
    with pytest.raises(ValueError, match=rf"{message}.*name another --checkpoint"):
        read_settings(path, **expected)
    assert read_settings(path)["spacing"] == [1, 1, 1]
