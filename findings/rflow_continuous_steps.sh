#!/usr/bin/env bash
# MONAI's rectified flow with continuous time steps goes farther than the whole way.
#
# Versions: MONAI 1.6.1.
# Input:    RFlowScheduler(use_discrete_timesteps=False), and the loop of its documentation with 30 steps, along a
#           velocity of 1 everywhere, from 0.
# Guess:    the steps make one whole way, so that the sample ends at 1, as it does with discrete time steps.
# Came:     it ends at 1.0102. `set_timesteps` keeps time steps as float16, 966.5 for 966.67, and `step` cuts the next
#           one to an integer, but not the present one, so that halves of a time step are gone twice.
# Seen:     discrete 1.0000; continuous 1.0102, by the time steps 1000.0, 966.5, 933.5, ...
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import torch
from monai.networks.schedulers.rectified_flow import RFlowScheduler

ends = {}
for discrete in (True, False):
    scheduler = RFlowScheduler(num_train_timesteps=1000, use_discrete_timesteps=discrete)
    scheduler.set_timesteps(30)
    following = torch.cat((scheduler.timesteps[1:], torch.tensor([0], dtype=scheduler.timesteps.dtype)))
    sample = torch.zeros(1, dtype=torch.float64)
    for t, next_t in zip(scheduler.timesteps, following):
        sample, _ = scheduler.step(torch.ones(1, dtype=torch.float64), t, sample, next_t)
    ends["discrete" if discrete else "continuous"] = round(sample.item(), 4)
first = [float(t) for t in scheduler.timesteps[:3]]
print("; ".join(f"{name} {end:.4f}" for name, end in ends.items()), "by the time steps", first)
assert ends == {"discrete": 1.0, "continuous": 1.0102} and first == [1000.0, 966.5, 933.5]
PY
