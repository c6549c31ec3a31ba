#!/usr/bin/env bash
# A structure that the prediction misses altogether improves MONAI's mean HD95.
#
# Versions: MONAI 1.6.1.
# Input:    two cases, one predicted perfectly, one whose prediction is empty while the reference is not.
# Guess:    the missed case counts as infinite, as it does for the plain Hausdorff distance: mean HD95 = inf.
# Came:     with percentile=95 the missed case is NaN (a quantile between two infinities), NaN is what the metric also
#           says of "both empty", and the mean leaves NaN out: the set's HD95 is 0 mm, the best there is. A set in which
#           every structure is missed has 0 mm, too. A warning names the empty prediction; that one case of
#           two was counted is said by get_not_nans=True alone.
# Seen:     percentile None: mean inf over 2 cases
#           percentile 95:   mean 0.0 over 1 case
#           all missed:      mean 0.0 over 0 cases
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 scipy==1.17.1 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import torch
from monai.metrics import HausdorffDistanceMetric

reference = torch.zeros(1, 2, 8, 8, 8)
reference[:, 1, 2:5, 2:5, 2:5] = 1
reference[:, 0] = 1 - reference[:, 1]
missed = torch.zeros_like(reference)
missed[:, 0] = 1


def mean(percentile, *predictions):
    metric = HausdorffDistanceMetric(percentile=percentile, get_not_nans=True)
    for prediction in predictions:
        metric(prediction, reference)
    value, count = (float(x) for x in metric.aggregate())
    print(f"percentile {percentile}, {len(predictions)} cases: mean {value} over {count:g}")
    return value, count


assert mean(None, reference, missed) == (float("inf"), 2)
assert mean(95, reference, missed) == (0, 1)
assert mean(95, missed, missed) == (0, 0)
PY
