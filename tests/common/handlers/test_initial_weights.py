import pytest
import torch
from ignite.engine import Engine

from common.data.leakage import LeakageError
from common.handlers.initial_weights import InitialWeights, with_initial


@pytest.fixture
def model_file(tmp_path):
    """Model file of a linear layer that was trained on the cases a and b."""
    network = torch.nn.Linear(1, 1)
    training = {"case_ids": ["a", "b"], "generated": None, "leakage": None}
    content = {"model": network.state_dict(), "settings": {"size": 1, "roi_size": [8]}, "training": training}
    torch.save(content, tmp_path / "model.pt")
    return tmp_path / "model.pt", network


def test_weights_are_loaded_when_the_training_starts(model_file):
    path, source = model_file
    network = torch.nn.Linear(1, 1)
    initial = InitialWeights(path, network, settings={"size": 1, "roi_size": [16]})
    assert network.weight.item() != source.weight.item()
    engine = Engine(lambda *_: None)
    initial.attach(engine)
    engine.run([0])
    assert network.weight.item() == source.weight.item()


def test_other_settings_and_leaking_weights_are_refused(model_file):
    path, network = model_file
    with pytest.raises(ValueError, match="size: found 1, expected 2"):
        InitialWeights(path, network, settings={"size": 2})
    with pytest.raises(LeakageError):
        InitialWeights(path, network, settings={"size": 1}, held_out=["b"])
    with pytest.raises(FileNotFoundError):
        InitialWeights(path.with_name("none.pt"), network, settings={"size": 1})


def test_the_record_holds_the_cases_and_the_leakage_of_both_trainings(model_file):
    path, network = model_file
    initial = InitialWeights(path, network, settings={"size": 1}, held_out=["b"], allow_leakage=True)
    record = {"case_ids": ["c"], "generated": None, "leakage": None}
    assert with_initial(record, None) == record
    combined = with_initial(record, initial)
    assert combined["case_ids"] == ["a", "b", "c"]
    assert combined["leakage"] == initial.leakage.stamp
    generated = {"generator_case_ids": ["a", "c", "x"], "generator_cases_beyond_real": 2}
    beyond = with_initial({**record, "generated": generated}, initial)["generated"]["generator_cases_beyond_real"]
    assert beyond == 1  # a is of the first training
    assert combined["init_from"]["training"]["case_ids"] == ["a", "b"]
