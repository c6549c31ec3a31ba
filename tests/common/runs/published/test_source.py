import pytest
import torch

from common.networks.model_file import write_model_file
from common.runs.published.source import merge_training, read_sources

# pairs, checkpoints: shares
SHARES = {(48, 1): [48], (48, 2): [24, 24], (5, 3): [2, 2, 1], (3, 3): [1, 1, 1]}


@pytest.mark.parametrize(("count", "number"), SHARES)
def test_pairs_are_shared_out_evenly_and_seeds_differ(model_file, count, number):
    paths = [model_file(f"m{i}", step=i) for i in range(number)]
    sources = read_sources([str(path) for path in paths], num_samples=count, seed=10)
    assert [source.count for source in sources] == SHARES[count, number]
    assert [source.seed for source in sources] == list(range(10, 10 + number))
    assert [source.path for source in sources] == paths
    assert len({source.sha256 for source in sources}) == number


def test_one_path_may_stand_alone(model_file):
    assert len(read_sources(str(model_file()), num_samples=2, seed=0)) == 1


def test_training_cases_of_all_checkpoints_are_merged(model_file):
    paths = [model_file("a", ("p2", "p1")), model_file("b", ("p2", "p3"))]
    sources = read_sources(paths, num_samples=2, seed=0)
    assert merge_training(sources) == {"case_ids": ["p1", "p2", "p3"], "datalist_sha256": "d" * 64}


# what is changed in the second checkpoint, what the message says
REFUSED = {
    "images alone": ({"pairing": "image_only"}, "b/model.pt makes images without masks"),
    "another size": ({"image_size": [64, 64, 32]}, r"b/model.pt has image_size \[64, 64, 32\], .*a/model.pt \[32, 32"),
    "another window": ({"hu_window": [-1024, 1200]}, "has hu_window"),
    "other labels": ({"label_names": {"0": "background", "1": "organ"}}, "has label_names"),
    "the same": ({}, "are one checkpoint: name each once"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_checkpoints_that_make_no_set_are_refused(model_file, case):
    changed, message = REFUSED[case]
    paths = [model_file("a"), model_file("b", **changed)]
    with pytest.raises(ValueError, match=message):
        read_sources(paths, num_samples=4, seed=0)


def test_fewer_pairs_than_checkpoints_are_refused(model_file):
    with pytest.raises(
        ValueError, match=r"checkpoints is .*a.*b.*, and num_samples 1, expected one or more, and a pair of each"
    ):
        read_sources([model_file("a"), model_file("b", ("p3",))], num_samples=1, seed=0)
    with pytest.raises(FileNotFoundError, match="no trained model at"):
        read_sources(["nowhere/model.pt"], num_samples=1, seed=0)


def test_a_model_that_is_no_generators_is_refused(tmp_path):
    path = tmp_path / "model.pt"
    write_model_file(path, torch.nn.Linear(1, 1), settings={"network": "segresnet_ds"}, training={"case_ids": ["a"]})
    with pytest.raises(ValueError, match=r"model.pt is no generator's, .*: name another with --checkpoints"):
        read_sources([path], num_samples=1, seed=0)
