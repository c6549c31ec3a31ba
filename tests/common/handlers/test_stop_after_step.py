"""Trainings that are told to end: where they end, what they keep, and that they go on bit-equal."""

import os
import signal

import pytest
import torch
from ignite.engine import Events
from monai.engines import SupervisedTrainer
from torch.utils.data import DataLoader, TensorDataset

from common.engines.step_sampler import StepBatchSampler
from common.handlers.best_model import BestModel
from common.handlers.epoch_checkpoint import EpochCheckpoint
from common.handlers.training_checkpoint import TrainingCheckpoint
from common.stopping import STOP_SIGNALS, Stopped

EPOCHS, LENGTH = 3, 2


@pytest.fixture(autouse=True)
def signals():
    STOP_SIGNALS.listen()
    yield STOP_SIGNALS
    STOP_SIGNALS.leave()


def end_now(*_):
    os.kill(os.getpid(), signal.SIGTERM)


class Scores:
    """Stands for an evaluator: an epoch's score is a draw of the global generator, as a loader's seed is."""

    def __init__(self, handlers, during=None):
        self.handlers, self.during, self.seen = handlers, during or {}, []
        self.state = type("State", (), {"metrics": {}, "epoch": 0})()

    def run(self, epoch):
        self.state.epoch, self.state.metrics = epoch, {"dice": torch.rand(1).item()}
        self.during.get(epoch, lambda: None)()
        for handler in self.handlers:
            handler.update(self)
        self.seen.append((epoch, self.state.metrics["dice"]))


def train(folder, *, signal_at=None, during=None):
    """Weights, scores and steps of a tiny training with a validation each epoch.

    Args:
        folder: Of checkpoints and model.
        signal_at: Events at which SIGTERM comes, behind the handlers.
        during: Function by epoch, called in its validation.
    """
    torch.manual_seed(0)
    network = torch.nn.Linear(2, 1, bias=False)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    data = TensorDataset(torch.arange(10, dtype=torch.float32).reshape(5, 2))
    sampler = StepBatchSampler(num_items=5, batch_size=2, max_steps=EPOCHS * LENGTH, seed=0)
    steps = []

    def prepare(batch, *_, **__):
        steps.append(trainer.state.iteration)
        noise = torch.rand(1)  # of the global generator
        return batch[0] + noise, batch[0].sum(1, keepdim=True)

    best = BestModel(folder / "model.pt", network, settings={}, training={}, epoch_length=LENGTH)
    scores = Scores([best], during)
    trainer = SupervisedTrainer(
        device=torch.device("cpu"),
        max_epochs=EPOCHS,
        epoch_length=LENGTH,
        train_data_loader=DataLoader(data, batch_sampler=sampler, generator=torch.Generator()),
        network=network,
        optimizer=optimizer,
        loss_function=torch.nn.MSELoss(),
        prepare_batch=prepare,
        decollate=False,
    )
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: scores.run(engine.state.epoch))
    objects = {"network": network, "optimizer": optimizer, "best": best}
    EpochCheckpoint(folder, objects, settings={}, interval=1).attach(trainer)
    if signal_at:
        trainer.add_event_handler(signal_at, end_now)
    trainer.run()
    return network.weight.detach().clone(), scores.seen, steps


def ended_and_resumed(folder, **options):
    """What is left in the folder of a run that ended, then weights, scores and steps of the second run."""
    with pytest.raises(Stopped) as caught:
        train(folder, **options)
    assert caught.value.code == 143
    STOP_SIGNALS.leave()
    STOP_SIGNALS.listen()
    left = sorted(path.name for path in folder.glob("checkpoint*"))
    return left, train(folder)


@pytest.fixture
def whole(tmp_path):
    return train(tmp_path / "whole")


CASES = {  # where the signal comes → the newest checkpoint, the first step and the first validation of the second run
    "in a step": ({"signal_at": Events.ITERATION_STARTED(once=3)}, 3, 4, 2),
    "behind a step": ({"signal_at": Events.ITERATION_COMPLETED(once=3)}, 3, 4, 2),
    "in the last step of an epoch": ({"signal_at": Events.ITERATION_STARTED(once=4)}, 4, 5, 2),
    "as data are waited for": ({"signal_at": Events.GET_BATCH_STARTED(once=3)}, 3, 4, 2),
    "in a validation": ({"during": {2: end_now}}, 4, 5, 2),
    "behind a validation": ({"signal_at": Events.EPOCH_COMPLETED(once=2)}, 4, 5, 3),
    "in the last step": ({"signal_at": Events.ITERATION_STARTED(once=6)}, 6, None, 3),
    "in the last validation": ({"during": {3: end_now}}, 6, None, 3),
}


@pytest.mark.parametrize("case", CASES)
def test_a_training_ends_with_all_that_it_has_and_goes_on_bit_equal(whole, tmp_path, case, capsys):
    options, kept, step, epoch = CASES[case]
    weights, scores, steps = whole
    left, (resumed, later, more) = ended_and_resumed(tmp_path / "ended", **options)
    assert left[-1] == f"checkpoint_{kept:08d}.pt"
    message = (
        f"SIGTERM: ended behind step {kept}; its state is in {tmp_path / 'ended' / left[-1]}, and the same command"
    )
    assert message in capsys.readouterr().err
    assert more == steps[step - 1 :] if step else more == []
    assert later == scores[epoch - 1 :]
    assert torch.equal(resumed, weights)
    models = [torch.load(tmp_path / name / "model.pt", weights_only=True) for name in ("whole", "ended")]
    assert models[0]["training"] == models[1]["training"]
    assert torch.equal(models[0]["model"]["weight"], models[1]["model"]["weight"])


def test_a_checkpoint_of_an_open_epoch_is_completed(tmp_path):
    left, _ = ended_and_resumed(tmp_path, during={2: end_now})
    states = [torch.load(path, weights_only=True) for path in sorted(tmp_path.glob("checkpoint*"))]
    assert [(state["iteration"], state["epoch_is_open"]) for state in states] == [(4, False), (6, False)]
    assert left == ["checkpoint_00000002.pt", "checkpoint_00000004.pt"]


def test_a_gan_ends_behind_its_step_and_goes_on_bit_equal(hagan_training, networks, adam, tmp_path):
    def run(folder, *, max_steps=4, signal_at=None):
        nets = networks()
        optimizers = adam(nets)
        checkpoint = TrainingCheckpoint(folder, {"networks": nets, "optimizers": optimizers}, settings={})
        trainer = hagan_training(nets=nets, optimizers=optimizers, max_steps=max_steps, handlers=[checkpoint])
        if signal_at:
            trainer.add_event_handler(signal_at, end_now)
        trainer.run()
        return {f"{n}.{k}": v.clone() for n, net in nets.items() for k, v in net.state_dict().items()}

    whole = run(tmp_path / "whole")
    with pytest.raises(Stopped):
        run(tmp_path / "ended", signal_at=Events.ITERATION_STARTED(once=2))
    STOP_SIGNALS.leave()
    STOP_SIGNALS.listen()
    assert [path.name for path in (tmp_path / "ended").iterdir()] == ["checkpoint_00000002.pt"]
    resumed = run(tmp_path / "ended")
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())


def test_before_the_first_step_there_is_nothing_to_keep(tmp_path, capsys):
    left, _ = ended_and_resumed(tmp_path, signal_at=Events.EPOCH_STARTED(once=1))
    assert left == []
    assert "SIGTERM: ended behind step 0; no state was written" in capsys.readouterr().err


@pytest.mark.parametrize("rank", [0, 1])
def test_several_processes_end_behind_the_same_step_and_the_first_one_says_so(rank, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("ignite.distributed.get_rank", lambda: rank)
    told = iter([0, 0, signal.SIGTERM])  # what the others have heard
    monkeypatch.setattr("ignite.distributed.get_world_size", lambda: 2)
    monkeypatch.setattr("ignite.distributed.all_reduce", lambda value, op: max(value, next(told)))
    with pytest.raises(Stopped) as caught:
        train(tmp_path)
    assert caught.value.code == 143
    assert max(path.name for path in tmp_path.glob("checkpoint*")) == "checkpoint_00000003.pt"
    assert ("SIGTERM: ended behind step 3" in capsys.readouterr().err) == (rank == 0)


def test_a_finished_training_listens_no_more(tmp_path, signals):
    train(tmp_path)
    assert signals.keep is None
