"""Model files in the form of exported bundles: a bare state dict, and JSON beside it."""

import json

import pytest
import torch

from common.files import file_sha256
from common.networks.model_file import read_model_file, weights_sha256, write_model_file


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
