"""Torch's optimisers without its compiler: the same numbers, states and files."""

import pytest
import torch
from torch.optim.lr_scheduler import LambdaLR

from common.engines.optimizers import Adam, AdamW, RMSprop
from tests.fresh_process import run_fresh

KINDS = {
    "Adam": (Adam, torch.optim.Adam, {"fused": True}),
    "AdamW": (AdamW, torch.optim.AdamW, {"weight_decay": 0.1}),
    "fused AdamW": (AdamW, torch.optim.AdamW, {"weight_decay": 0.1, "fused": True}),
    "RMSprop": (RMSprop, torch.optim.RMSprop, {}),
}
WITHOUT_COMPILER = """
import sys
import torch
import common.engines.optimizers as ours
from common.engines.adam import adam
makers = [ours.Adam, ours.AdamW, ours.RMSprop, lambda w, lr: adam(w, lr=lr, betas=(0.0, 0.9))]
for make in makers:
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = make([weight], lr=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (step + 1))
    for _ in range(2):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
        schedule.step()
    optimizer.load_state_dict(optimizer.state_dict())
    assert weight.max() < 1
print([name for name in sys.modules if name.startswith("torch._dynamo")])
"""


def learn(kind, options, steps=5):
    """The weight after some steps under a falling rate, half of them behind a reload, and the state."""
    weight = torch.nn.Parameter(torch.arange(6.0))
    optimizer = kind([{"params": [weight]}], lr=0.1, **options)
    schedule = LambdaLR(optimizer, lambda step: 1 / (step + 1))
    for step in range(steps):
        optimizer.zero_grad()
        ((weight - 2) ** 2).sum().backward()
        optimizer.step()
        schedule.step()
        if step == steps // 2:
            state = optimizer.state_dict()
            optimizer = kind([{"params": [weight]}], lr=0.1, **options)
            optimizer.load_state_dict(state)
    assert weight.requires_grad
    return weight, optimizer.state_dict()


@pytest.mark.parametrize("name", KINDS)
def test_weights_and_states_are_those_of_torch(name):
    ours, theirs, options = KINDS[name]
    assert issubclass(ours, theirs)
    (weight, state), (expected, expected_state) = learn(ours, options), learn(theirs, options)
    assert torch.equal(weight, expected)
    assert state["param_groups"] == expected_state["param_groups"]
    assert all(torch.equal(state["state"][0][key], value) for key, value in expected_state["state"][0].items())


def test_hooks_of_steps_are_called():
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = AdamW([weight], lr=0.1)
    called = []
    optimizer.register_step_post_hook(lambda *_: called.append("after"))
    weight.sum().backward()
    assert optimizer.step(lambda: torch.tensor(3.0)) == 3.0
    assert called == ["after"]


def test_the_compiler_is_not_imported(pytestconfig):
    done = run_fresh(["-c", WITHOUT_COMPILER], folder=pytestconfig.rootpath)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
