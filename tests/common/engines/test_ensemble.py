"""Several trained networks as one."""

import pytest
import torch

from common.data.leakage import LeakageError
from common.engines.ensemble import SoftmaxEnsemble, describe_checkpoints

SETTINGS = {"hu_window": [-1024, 600], "roi_size": [16, 16, 16]}
TRAINING = {"case_ids": ["a", "b"], "generated": None, "leakage": None}


@pytest.fixture
def model_file(tmp_path):
    """Function (seed, training=…, **settings) -> model file of a small convolution, and the convolution."""

    def write(seed, *, training=None, **settings):
        torch.manual_seed(seed)
        network = torch.nn.Conv3d(1, 3, 1)
        content = {"model": network.state_dict(), "settings": SETTINGS | settings, "training": training or TRAINING}
        torch.save(content, tmp_path / f"{seed}.pt")
        return tmp_path / f"{seed}.pt", network

    return write


def test_probabilities_are_the_mean_of_the_members(model_file):
    (path_a, a), (path_b, b) = model_file(0), model_file(1, roi_size=[32, 32, 32])
    x = torch.randn(2, 1, 4, 4, 4)
    expected = (a(x).softmax(1) + b(x).softmax(1)) / 2
    ensemble = SoftmaxEnsemble(torch.nn.Conv3d(1, 3, 1), [path_a, path_b])
    torch.testing.assert_close(ensemble(x), expected)
    torch.testing.assert_close(ensemble(x).sum(1), torch.ones(2, 4, 4, 4))
    torch.testing.assert_close(SoftmaxEnsemble(torch.nn.Conv3d(1, 3, 1), [path_a])(x), a(x).softmax(1))


def test_members_of_other_preprocessing_are_refused(model_file):
    (path_a, _), (path_b, _) = model_file(0), model_file(1, hu_window=[-200, 300])
    with pytest.raises(ValueError, match=r"hu_window: found \[-200, 300\], expected \[-1024, 600\]"):
        SoftmaxEnsemble(torch.nn.Conv3d(1, 3, 1), [path_a, path_b])


@pytest.mark.parametrize(
    "training", [TRAINING, {**TRAINING, "case_ids": [], "generated": {"generator_case_ids": ["b"]}}]
)
def test_a_network_is_not_scored_on_what_it_or_its_generator_has_seen(model_file, training):
    path, _ = model_file(0, training=training)
    with pytest.raises(LeakageError, match="1 of the 2 cases to score"):
        describe_checkpoints([path], ["b", "c"])
    assert "LEAKAGE" in describe_checkpoints([path], ["b", "c"], allow_leakage=True)[0]["leakage"]
    (clean,) = describe_checkpoints([path], ["c"])
    assert clean["leakage"] is None and clean["training"] == training and len(clean["sha256"]) == 64


def test_the_stamp_of_a_training_is_handed_on(model_file):
    path, _ = model_file(0, training={**TRAINING, "leakage": "LEAKAGE: before"})
    assert describe_checkpoints([path], ["c"])[0]["leakage"] == "LEAKAGE: before"
