#!/usr/bin/env bash
# The mean Dice of a set in which no reference has the structure is 0, for right and wrong predictions alike.
#
# Versions: MONAI 1.6.1.
# Input:    cases without the structure; one prediction is rightly empty, the other marks four voxels.
# Guess:    each case is NaN ("nothing to score", ignore_empty=True), so the mean of them is NaN; with
#           ignore_empty=False the right one scores 1 and the wrong one 0.
# Came:     each case is NaN, as guessed, but the mean of only NaN is 0.0: it reads as the worst Dice there is, while
#           ConfusionMatrixMetric says NaN of its "f1 score", the same quantity. With ignore_empty=False: as guessed.
# Seen:     rightly empty: case nan, mean Dice 0.0, mean F1 nan; ignore_empty=False 1.0
#           false alarm:   case nan, mean Dice 0.0; ignore_empty=False 0.0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import torch
from monai.metrics import ConfusionMatrixMetric, DiceMetric

nothing = torch.zeros(1, 2, 8, 8)
nothing[:, 0] = 1
alarm = nothing.clone()
alarm[:, 0, 0, :4], alarm[:, 1, 0, :4] = 0, 1


def score(metric, prediction):
    case = metric(prediction, nothing)
    mean = metric.aggregate()
    return float(case.flatten()[0]), float(mean[0] if isinstance(mean, list) else mean)


case, mean = score(DiceMetric(include_background=False), nothing)
f1 = score(ConfusionMatrixMetric(include_background=False, metric_name="f1 score"), nothing)[1]
counted = score(DiceMetric(include_background=False, ignore_empty=False), nothing)[1]
print(f"rightly empty: case {case}, mean Dice {mean}, mean F1 {f1}; ignore_empty=False {counted}")
assert case != case and mean == 0 and f1 != f1 and counted == 1
case, mean = score(DiceMetric(include_background=False), alarm)
counted = score(DiceMetric(include_background=False, ignore_empty=False), alarm)[1]
print(f"false alarm:   case {case}, mean Dice {mean}; ignore_empty=False {counted}")
assert case != case and mean == 0 and counted == 0
PY
