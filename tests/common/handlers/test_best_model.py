import math

import pytest
import torch

from common.handlers.best_model import BestModel
from common.networks.model_file import read_model_file

# scores of five validations → epochs whose weights are written
BEST = {
    "rising and falling": ([0.1, 0.3, 0.2, 0.3, 0.4], [1, 2, 5]),
    "no score at first": ([math.nan, 0.0, math.nan, 0.1, 0.1], [1, 2, 4]),
    "nothing found": ([0.0, 0.0, 0.0, 0.0, 0.0], [1]),
}


@pytest.mark.parametrize("name", BEST)
def test_the_weights_of_the_best_validation_are_written(tmp_path, name, validate):
    scores, expected = BEST[name]
    network = torch.nn.Linear(1, 1)
    best = BestModel(tmp_path / "model.pt", network, settings={"size": 1}, training={"seed": 0}, epoch_length=10)
    written = []
    for epoch, score in enumerate(scores, 1):
        torch.nn.init.constant_(network.weight, epoch)
        validate([best], [score], first=epoch)
        content = read_model_file(tmp_path / "model.pt")
        if content["training"]["epoch"] == epoch:
            written.append(epoch)
            assert content["training"]["step"] == 10 * epoch
            assert content["model"]["weight"].item() == epoch
    assert written == expected


def test_a_resumed_run_knows_the_score_to_beat(tmp_path, validate):
    def make():
        return BestModel(
            tmp_path / "model.pt", torch.nn.Linear(1, 1), settings={}, training={}, epoch_length=1, save=True
        )

    first, second = make(), make()
    validate([first], [0.5])
    second.load_state_dict(first.state_dict())
    validate([second], [0.4], first=2)
    assert read_model_file(tmp_path / "model.pt")["training"]["epoch"] == 1


def test_a_process_that_does_not_write_keeps_the_score(tmp_path, validate):
    best = BestModel(tmp_path / "m.pt", torch.nn.Linear(1, 1), settings={}, training={}, epoch_length=1, save=False)
    validate([best], [0.5])
    assert best.state_dict() == {"best": 0.5}
    assert not (tmp_path / "m.pt").exists()
