"""A step that brings its phases alone, and one whose noise has names within names."""

import pytest
import torch
from torch import nn

from common.engines.adversarial_trainer import AdversarialTrainer
from common.engines.phase import Phase
from common.engines.step import Step

BATCH = torch.tensor([[1.0], [2.0], [3.0], [6.0]])


class Mean(Step):
    """Learns the mean of what it is given; remembers its batches."""

    def __init__(self):
        self.network = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.network.weight)
        self.batches = []
        self.phases = [Phase("mean", self.network, self.loss)]

    def loss(self, batch):
        self.batches.append(batch)
        return {"mean": (self.network(torch.ones_like(batch["x"])) - batch["x"]).square().mean()}


class Noisy(Mean):
    """Takes noise of two kinds, one of them named within a name."""

    def prepare(self, x, rng, y=None):
        return {"x": x, "kind": "noisy"}

    def draw(self, count, rng):
        numbers = torch.arange(count)
        return {"epsilon": numbers, "generator": {"z": 10 * numbers}}


class Alone(nn.Module):
    """Stands for DistributedDataParallel of a process without the others."""

    def __init__(self, module, **_):
        super().__init__()
        self.module = module

    def forward(self, batch):
        return self.module(batch)


def train(step, **options):
    trainer = AdversarialTrainer(
        device=torch.device("cpu"),
        max_steps=1,
        data_loader=[BATCH],
        step=step,
        optimizers={"mean": torch.optim.SGD(step.network.parameters(), lr=0.5)},
        prepare_batch=lambda batch: batch,
        **options,
    )
    trainer.run()
    return trainer.state.output


@pytest.mark.parametrize("accumulation", [1, 2])
def test_phases_are_enough(accumulation):
    """Half of the gradient of (w - x)² at w = 0 takes w to the mean of x, 3; the loss is the mean of x², 12.5."""
    step = Mean()
    assert train(step, accumulation=accumulation) == {"mean": pytest.approx(12.5)}
    assert step.network.weight.item() == pytest.approx(3)
    assert [set(batch) for batch in step.batches] == [{"x"}] * accumulation


def test_noise_is_cut_with_its_batch_at_any_depth():
    step = Noisy()
    train(step, accumulation=2)
    assert [batch["epsilon"].tolist() for batch in step.batches] == [[0, 1], [2, 3]]
    assert [batch["generator"]["z"].tolist() for batch in step.batches] == [[0, 10], [20, 30]]
    assert [batch["kind"] for batch in step.batches] == ["noisy"] * 2


def test_each_process_takes_its_part_of_the_noise(monkeypatch):
    step = Noisy()
    monkeypatch.setattr("common.engines.adversarial_trainer.DistributedDataParallel", Alone)
    monkeypatch.setattr("ignite.distributed.get_world_size", lambda: 2)
    monkeypatch.setattr("ignite.distributed.get_rank", lambda: 1)
    train(step)
    (batch,) = step.batches
    assert batch["epsilon"].tolist() == [4, 5, 6, 7]
    assert batch["generator"]["z"].tolist() == [40, 50, 60, 70]
