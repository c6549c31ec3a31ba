"""Features: order, cache by content, going on after a stop."""

import numpy as np
import pytest
import torch
from torch import nn

from common.evaluation.features import FeatureReader
from common.evaluation.volume_set import VolumeSet
from common.networks.extractor import Extractor, ExtractorId


class Counting(nn.Module):
    """Mean and maximum of a volume; counts the volumes it saw."""

    def __init__(self):
        super().__init__()
        self.seen = 0

    def forward(self, x):
        self.seen += len(x)
        return torch.stack([x.mean((1, 2, 3, 4)), x.amax((1, 2, 3, 4))], dim=1)


def views(item):
    image, label = item["image"].float(), item["label"].float()
    return {"pair": torch.cat([image, label], -1), "image": image, "mask": label}


@pytest.fixture
def volumes(tmp_path):
    cases, items = [], []
    for i in range(5):
        path = tmp_path / f"{i}"
        path.write_text(str(i))
        cases.append({"case_id": str(i), "image": str(path), "label": str(path)})
        items.append({"image": torch.full((1, 2, 2, 2), i), "label": torch.full((1, 2, 2, 2), 10 * i)})
    return VolumeSet("real", cases, items)


def reader(network, **options):
    extractor = Extractor(network, ExtractorId("test", "mean and maximum", options.pop("weights", "w")))
    return FeatureReader({"test": extractor}, views=views, view_recipe=options.pop("recipe", {}), **options)


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_rows_follow_the_cases_in_every_view(volumes, batch_size):
    features = reader(Counting(), batch_size=batch_size).read(volumes, "test")
    np.testing.assert_array_equal(features["image"], [[i, i] for i in range(5)])
    np.testing.assert_array_equal(features["mask"], [[10 * i, 10 * i] for i in range(5)])
    np.testing.assert_array_equal(features["pair"], [[5.5 * i, 10 * i] for i in range(5)])
    assert features["pair"].dtype == np.float32


def test_a_second_reading_and_a_part_compute_nothing(volumes, tmp_path):
    network = Counting()
    first = reader(network, cache_dir=tmp_path / "cache")
    features = first.read(volumes, "test")
    assert network.seen == 15
    np.testing.assert_array_equal(first.read(volumes.select([3, 1]), "test")["image"], features["image"][[3, 1]])
    again = reader(network, cache_dir=tmp_path / "cache").read(volumes, "test")
    assert network.seen == 15
    np.testing.assert_array_equal(again["pair"], features["pair"])


def test_a_stopped_run_computes_the_rest_only(volumes, tmp_path):
    network = Counting()
    reader(network, cache_dir=tmp_path / "cache").read(volumes.select([0, 2]), "test")
    reader(network, cache_dir=tmp_path / "cache").read(volumes, "test")
    assert network.seen == 15


def test_a_row_that_cannot_be_read_is_computed_again(volumes, tmp_path, caplog):
    network = Counting()
    features = reader(network, cache_dir=tmp_path / "cache").read(volumes, "test")
    damaged = sorted((tmp_path / "cache").rglob("*.npy"))[0]
    damaged.write_bytes(damaged.read_bytes()[:20])
    again = reader(network, cache_dir=tmp_path / "cache").read(volumes, "test")
    np.testing.assert_array_equal(again["pair"], features["pair"])
    assert network.seen > 15
    assert f"{damaged} cannot be read" in caplog.text
    assert np.load(damaged).shape == (2,)


@pytest.mark.parametrize("other", [{"weights": "v"}, {"recipe": {"size": 3}}])
def test_other_weights_or_views_are_other_features(volumes, tmp_path, other):
    network = Counting()
    reader(network, cache_dir=tmp_path / "cache").read(volumes, "test")
    reader(network, cache_dir=tmp_path / "cache", **other).read(volumes, "test")
    assert network.seen == 30


def test_a_changed_file_is_computed_anew(volumes, tmp_path):
    network = Counting()
    reader(network, cache_dir=tmp_path / "cache").read(volumes, "test")
    (tmp_path / "2").write_text("changed")
    fresh = VolumeSet(volumes.name, volumes.cases, volumes.volumes)
    reader(network, cache_dir=tmp_path / "cache").read(fresh, "test")
    assert network.seen == 18


def test_a_view_alone_is_computed_alone(volumes, tmp_path):
    network = Counting()
    some = reader(network, cache_dir=tmp_path / "cache")
    assert list(some.read(volumes, "test", names=["pair"])) == ["pair"]
    assert network.seen == 5
    assert set(some.read(volumes, "test")) == {"pair", "image", "mask"}


def test_sets_without_masks_have_the_view_of_images_alone(volumes):
    cases = [{key: value for key, value in case.items() if key != "label"} for case in volumes.cases]
    features = reader(Counting()).read(VolumeSet("images", cases, volumes.volumes), "test")
    assert list(features) == ["image"]


def test_processes_share_out_the_batches_and_have_all_rows_then(volumes, monkeypatch):
    parts, seen = [], []
    monkeypatch.setattr("ignite.distributed.get_world_size", lambda: 2)
    monkeypatch.setattr("ignite.distributed.all_gather", lambda own: parts.append(own) or parts)
    for rank in (0, 1):
        monkeypatch.setattr("ignite.distributed.get_rank", lambda rank=rank: rank)
        network = Counting()
        last = reader(network, batch_size=2)
        last.share(volumes, "test")
        seen.append(network.seen)
    assert seen == [3 * 3, 2 * 3]  # cases 0, 1, 4 and cases 2, 3 in three views
    np.testing.assert_array_equal(last.read(volumes, "test")["image"], [[i, i] for i in range(5)])
    assert network.seen == seen[1]


def test_views_of_one_size_go_through_the_network_together(volumes):
    calls = []

    class Sizes(Counting):
        def forward(self, x):
            calls.append(tuple(x.shape))
            return super().forward(x)

    reader(Sizes(), batch_size=5).read(volumes, "test")
    assert calls == [(5, 1, 2, 2, 4), (10, 1, 2, 2, 2)]  # the pair; image and mask
