#!/usr/bin/env bash
# MONAI's sliding window, asked with a predictor that hands its input on, overwrites the volume it was given.
#
# Versions: MONAI 1.6.1.
# Input:    sliding_window_inference(volume, 16, 1, nn.Identity(), overlap=0.25, mode="gaussian") on 20 x 20 x 20
#           voxels: the usual test that windows are blended without seams. Dropout in eval mode and x[:, :1] do alike.
# Guess:    the weights of overlapping windows cancel: the result is the volume, and the volume stays as it was.
# Came:     the weights are multiplied into the prediction in place. With one window a batch the prediction is a view
#           of the volume, so the volume itself is darkened under every window, and the next window sees that. With
#           4 windows a batch, mode="constant", or a predictor that computes anything, it is as guessed.
# Seen:     Identity, 1 a batch: result off by 1.00, volume changed by 1.00
#           Identity, 4 a batch: result off by 0.00, volume changed by 0.00
#           x * 1, 1 a batch: result off by 0.00, volume changed by 0.00
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import torch
from monai.inferers import sliding_window_inference

original = torch.rand(1, 1, 20, 20, 20, generator=torch.Generator().manual_seed(0))


def changes(name, predictor, batch):
    volume = original.clone()
    result = sliding_window_inference(volume, (16, 16, 16), batch, predictor, overlap=0.25, mode="gaussian")
    off = [float((x - original).abs().max()) for x in (result, volume)]
    print(f"{name}, {batch} a batch: result off by {off[0]:.2f}, volume changed by {off[1]:.2f}")
    return [x > 0.5 for x in off]


assert changes("Identity", torch.nn.Identity(), 1) == [True, True]
assert changes("Identity", torch.nn.Identity(), 4) == [False, False]
assert changes("x * 1", lambda x: x * 1, 1) == [False, False]
PY
