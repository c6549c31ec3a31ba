import random

import numpy as np
import torch

from common.random_states import random_states, set_random_states


def test_random_states_are_restored():
    def draw():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002 - the global state is what is kept

    states = random_states()
    first = draw()
    set_random_states(states)
    assert draw() == first
