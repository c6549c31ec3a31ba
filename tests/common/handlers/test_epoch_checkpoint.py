import contextlib

import pytest
import torch
from ignite.engine import Events
from monai.engines import SupervisedTrainer
from monai.optimizers import WarmupCosineSchedule
from torch.utils.data import DataLoader, TensorDataset

from common.engines.step_sampler import StepBatchSampler
from common.handlers.epoch_checkpoint import EpochCheckpoint

EPOCHS, LENGTH = 4, 2


def train(folder, *, until=None, lr=0.1, seed=0):
    """Loss-free training of one weight with warm-up + cosine; stops as if killed after the step `until`."""
    torch.manual_seed(seed)
    network = torch.nn.Linear(2, 1, bias=False)
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr)
    steps = EPOCHS * LENGTH
    schedule = WarmupCosineSchedule(optimizer, warmup_steps=2, t_total=steps)
    data = TensorDataset(torch.arange(10, dtype=torch.float32).reshape(5, 2))
    sampler = StepBatchSampler(num_items=5, batch_size=2, max_steps=steps, seed=0)
    seen = []

    def prepare(batch, *_, **__):
        seen.append((trainer.state.iteration, optimizer.param_groups[0]["lr"], batch[0].sum().item()))
        return batch[0], batch[0].sum(1, keepdim=True)

    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=EPOCHS,
        epoch_length=LENGTH,
        train_data_loader=DataLoader(data, batch_sampler=sampler),
        network=network,
        optimizer=optimizer,
        loss_function=torch.nn.MSELoss(),
        prepare_batch=prepare,
        decollate=False,
    )
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda _: schedule.step())
    objects = {"network": network, "optimizer": optimizer, "schedule": schedule}
    EpochCheckpoint(folder, objects, settings={"size": 2}, interval=1).attach(trainer)
    if until:
        trainer.add_event_handler(Events.ITERATION_COMPLETED(once=until), lambda _: _kill())
    with contextlib.suppress(KeyboardInterrupt):
        trainer.run()
    return network.weight.detach().clone(), seen


def _kill():
    raise KeyboardInterrupt


def test_a_run_that_goes_on_sees_the_same_data_and_rates_and_ends_equal(tmp_path):
    whole, expected = train(tmp_path / "whole")
    train(tmp_path / "killed", until=5)
    resumed, seen = train(tmp_path / "killed", seed=1)
    assert seen == expected[4:]  # from the end of the second epoch
    assert torch.equal(resumed, whole)


def test_a_finished_run_is_not_trained_again(tmp_path):
    whole, _ = train(tmp_path)
    again, seen = train(tmp_path, seed=1)
    assert seen == []
    assert torch.equal(again, whole)


def test_a_run_goes_on_with_another_learning_rate(tmp_path):
    _, expected = train(tmp_path / "whole")
    train(tmp_path / "killed", until=5)
    _, seen = train(tmp_path / "killed", lr=0.01)
    assert [rate for _, rate, _ in seen] == pytest.approx([rate / 10 for _, rate, _ in expected[4:]])
