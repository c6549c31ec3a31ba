import math

import pytest
import torch
from ignite.engine import Engine

from common.engines.adversarial_trainer import NonFiniteLossError
from common.handlers.finite_loss import FiniteLoss


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_the_training(value):
    engine = Engine(lambda *_: {"loss": torch.tensor(value)})
    FiniteLoss().attach(engine)
    with pytest.raises(NonFiniteLossError, match="loss at step 1"):
        engine.run([0])
