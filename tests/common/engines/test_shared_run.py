import pytest
import torch
from ignite.engine import Events
from monai.data import DataLoader
from monai.engines import SupervisedEvaluator

from common.engines.shared_run import shared_run


@pytest.mark.parametrize("count", [0, 2])
def test_handlers_start_and_end_once_with_and_without_data(count):
    loader = DataLoader([{"image": torch.zeros(1, 2), "label": torch.zeros(1, 2)}] * count)
    evaluator = SupervisedEvaluator(torch.device("cpu"), loader, torch.nn.Identity())
    seen = []
    for event in (Events.STARTED, Events.ITERATION_COMPLETED, Events.COMPLETED):
        evaluator.add_event_handler(event, lambda _, event=event: seen.append(event))
    shared_run(evaluator)
    assert seen == [Events.STARTED, *[Events.ITERATION_COMPLETED] * count, Events.COMPLETED]
