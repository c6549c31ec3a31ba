"""What a segmentation training leaves: best model, validation table, checkpoints of epochs, initial weights."""

import contextlib
import csv
import math

import pytest
import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedEvaluator, SupervisedTrainer
from monai.optimizers import WarmupCosineSchedule
from torch.utils.data import DataLoader, TensorDataset

from common.data.leakage import LeakageError
from common.engines.adversarial_trainer import NonFiniteLossError
from common.engines.step_sampler import StepBatchSampler
from common.handlers.best_model import BestModel
from common.handlers.epoch_checkpoint import EpochCheckpoint
from common.handlers.finite_loss import FiniteLoss
from common.handlers.initial_weights import InitialWeights, with_initial
from common.handlers.last_validation import LastValidation
from common.handlers.validation_csv import ValidationCSV
from common.networks.model_file import read_model_file

# scores of five validations → epochs whose weights are written
BEST = {
    "rising and falling": ([0.1, 0.3, 0.2, 0.3, 0.4], [1, 2, 5]),
    "no score at first": ([math.nan, 0.0, math.nan, 0.1, 0.1], [1, 2, 4]),
    "nothing found": ([0.0, 0.0, 0.0, 0.0, 0.0], [1]),
}
EPOCHS, LENGTH = 4, 2


def validate(handlers, scores, first=1):
    """Evaluators that end with one score after another, in the epochs from `first`."""
    for epoch, score in enumerate(scores, first):
        engine = Engine(lambda *_: None)
        engine.state.metrics["dice"] = score
        for handler in handlers:
            handler.attach(engine)
        engine.run([0], max_epochs=epoch)


@pytest.mark.parametrize("name", BEST)
def test_the_weights_of_the_best_validation_are_written(tmp_path, name):
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


def test_a_resumed_run_knows_the_score_to_beat(tmp_path):
    def make():
        return BestModel(
            tmp_path / "model.pt", torch.nn.Linear(1, 1), settings={}, training={}, epoch_length=1, save=True
        )

    first, second = make(), make()
    validate([first], [0.5])
    second.load_state_dict(first.state_dict())
    validate([second], [0.4], first=2)
    assert read_model_file(tmp_path / "model.pt")["training"]["epoch"] == 1


def test_a_process_that_does_not_write_keeps_the_score(tmp_path):
    best = BestModel(tmp_path / "m.pt", torch.nn.Linear(1, 1), settings={}, training={}, epoch_length=1, save=False)
    validate([best], [0.5])
    assert best.state_dict() == {"best": 0.5}
    assert not (tmp_path / "m.pt").exists()


def test_validations_are_rows_and_repeated_epochs_replace_theirs(tmp_path):
    table = ValidationCSV(tmp_path / "validation.csv")
    validate([table], [0.1, 0.25, 1 / 3])
    validate([table], [0.5], first=2)
    with (tmp_path / "validation.csv").open() as file:
        assert list(csv.DictReader(file)) == [{"epoch": "1", "dice": "0.1"}, {"epoch": "2", "dice": "0.5"}]


def test_only_a_last_epoch_that_was_not_validated_is(monkeypatch):
    epochs = []
    evaluator = SupervisedEvaluator(device=torch.device("cpu"), val_data_loader=[0], network=torch.nn.Identity())
    monkeypatch.setattr(evaluator, "run", epochs.append)
    for length in (4, 5, 6, 2):
        trainer = Engine(lambda *_: None)
        LastValidation(interval=3, validator=evaluator).attach(trainer)
        trainer.run([0], max_epochs=length)
    assert epochs == [4, 5, 2]


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


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_the_training(value):
    engine = Engine(lambda *_: {"loss": torch.tensor(value)})
    FiniteLoss().attach(engine)
    with pytest.raises(NonFiniteLossError, match="loss at step 1"):
        engine.run([0])


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
    assert combined["init_from"]["training"]["case_ids"] == ["a", "b"]
