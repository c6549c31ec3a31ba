import pytest
import torch
from ignite.engine import Engine

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


def test_a_file_behind_its_checkpoint_is_written_at_the_next_start(tmp_path):
    path = tmp_path / "model.pt"

    def start(step):
        engine = Engine(lambda *_: None)
        engine.state.iteration = step
        handler = ModelFileWriter(path, torch.nn.Linear(1, 1), settings={}, training=dict, interval=2)
        handler.make_up(engine)
        return read_model_file(path)["training"]["step"] if path.is_file() else None

    assert [start(step) for step in (0, 1, 2, 3, 4)] == [None, None, 2, 2, 4]
    written = path.stat().st_mtime_ns
    start(4)
    assert path.stat().st_mtime_ns == written
    path.write_bytes(b"cut")
    assert start(4) == 4


def test_without_a_file_the_stand_ins_are_all(tmp_path):
    assert read_settings(tmp_path / "model.pt", channels=32) == {"channels": 32}


def test_a_missing_file_says_how_to_get_one(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no trained model at .*model.pt: train one"):
        read_model_file(tmp_path / "model.pt")


def test_something_else_is_refused(tmp_path):
    torch.save({"fc.weight": torch.zeros(1)}, tmp_path / "model.pt")
    with pytest.raises(ValueError, match=r"has the keys \['fc.weight'\], expected model, settings and training"):
        read_model_file(tmp_path / "model.pt")
