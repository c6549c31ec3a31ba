import torch
from ignite.engine import Engine
from monai.engines import SupervisedEvaluator

from common.handlers.last_validation import LastValidation


def test_only_a_last_epoch_that_was_not_validated_is(monkeypatch):
    epochs = []
    evaluator = SupervisedEvaluator(device=torch.device("cpu"), val_data_loader=[0], network=torch.nn.Identity())
    monkeypatch.setattr(evaluator, "run", epochs.append)
    for length in (4, 5, 6, 2):
        trainer = Engine(lambda *_: None)
        LastValidation(interval=3, validator=evaluator).attach(trainer)
        trainer.run([0], max_epochs=length)
    assert epochs == [4, 5, 2]
