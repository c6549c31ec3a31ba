"""Draws: batches of (case, draw), and items that depend on the draw alone."""

import numpy as np
import pytest
import torch
from monai.data import DataLoader
from monai.transforms import Compose, EnsureTyped, RandGaussianNoised, RandSpatialCropd

from common.data.draws import DrawDataset
from common.engines.draw_sampler import DrawBatchSampler
from common.engines.step_sampler import StepBatchSampler

OPTIONS = {"num_items": 5, "max_steps": 6, "seed": 3}


def dataset(seed=0, cache="none"):
    volumes = torch.arange(5 * 8**3, dtype=torch.float32).reshape(5, 1, 8, 8, 8)
    crop = RandSpatialCropd(["volume"], roi_size=4, random_size=False)
    transform = Compose([EnsureTyped("volume", track_meta=False), crop, RandGaussianNoised("volume", prob=0.5)])
    return DrawDataset([{"volume": volume} for volume in volumes], transform, seed=seed, cache=cache)


def test_cases_are_those_of_the_step_sampler_and_draws_count_on():
    draws = list(DrawBatchSampler(batch_size=2, **OPTIONS))
    assert [[case for case, _ in batch] for batch in draws] == list(StepBatchSampler(batch_size=2, **OPTIONS))
    assert [draw for batch in draws for _, draw in batch] == list(range(12))


def test_two_ranks_share_the_draws_of_one():
    whole = DrawBatchSampler(batch_size=4, **OPTIONS)
    parts = [DrawBatchSampler(batch_size=2, rank=rank, world_size=2, **OPTIONS) for rank in (0, 1)]
    assert [parts[0].batch(step) + parts[1].batch(step) for step in range(6)] == list(whole)


@pytest.mark.parametrize("cache", ["none", "ram"])
def test_an_item_depends_on_seed_and_draw_alone(cache):
    a, b = dataset(cache=cache), dataset(cache=cache)
    b[1, 4]  # what was drawn before does not matter
    assert torch.equal(a[2, 7]["volume"], b[2, 7]["volume"])
    assert not torch.equal(a[2, 7]["volume"], a[2, 8]["volume"])
    assert not torch.equal(a[2, 7]["volume"], dataset(seed=1)[2, 7]["volume"])
    assert torch.equal(a[2]["volume"], a[2, 0]["volume"])
    assert len(a) == 5


def test_worker_processes_draw_what_the_main_process_does():
    batches = []
    for workers in (0, 2):
        sampler = DrawBatchSampler(batch_size=2, **OPTIONS)
        loader = DataLoader(dataset(), batch_sampler=sampler, num_workers=workers)
        batches.append(np.stack([batch["volume"].numpy() for batch in loader]))
    np.testing.assert_array_equal(*batches)


def test_going_on_gives_the_rest_of_the_batches():
    sampler = DrawBatchSampler(batch_size=2, **OPTIONS)
    whole = list(sampler)
    sampler.start = 4
    assert list(sampler) == whole[4:]
