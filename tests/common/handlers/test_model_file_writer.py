import pytest
import torch

from common.handlers.model_file_writer import ModelFileWriter
from common.networks.model_file import read_model_file, read_settings


def test_the_trained_generator_comes_back_with_what_it_was_trained_on(hagan_training, networks, tmp_path):
    nets = networks()
    path = tmp_path / "model.pt"
    handler = ModelFileWriter(
        path, nets["generator"], settings={"channels": 8}, training=lambda: {"case_ids": ["a"], "spacing": [1, 2, 3]}
    )
    hagan_training(nets=nets, max_steps=2, handlers=[handler]).run()
    content = read_model_file(path)
    assert content["training"] == {"case_ids": ["a"], "spacing": [1, 2, 3], "step": 2}
    other = networks(seed=1)["generator"]
    other.load_state_dict(content["model"])
    z = torch.randn(1, 16)
    assert torch.equal(other(z), nets["generator"](z))
    assert read_settings(path, channels=32, slab="official") == {
        "channels": 8,
        "slab": "official",
        "spacing": [1, 2, 3],
    }


def test_without_a_file_the_stand_ins_are_all(tmp_path):
    assert read_settings(tmp_path / "model.pt", channels=32) == {"channels": 32}


def test_a_missing_file_says_how_to_get_one(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no trained model at .*model.pt: train one"):
        read_model_file(tmp_path / "model.pt")


def test_something_else_is_refused(tmp_path):
    torch.save({"fc.weight": torch.zeros(1)}, tmp_path / "model.pt")
    with pytest.raises(ValueError, match=r"has the keys \['fc.weight'\], expected model, settings and training"):
        read_model_file(tmp_path / "model.pt")
