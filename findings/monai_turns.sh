#!/usr/bin/env bash
# MONAI's transforms disagree on what a turn by +90 degrees and a scale of 2 are.
#
# Versions: MONAI 1.6.1.
# Input:    Rotate90(k=1) and Rotate(pi / 2) of one small image; Zoom(2) and Affine(scale_params=2) of another.
# Guess:    the two turns give the same image, and both scales enlarge what is in it.
# Came:     Rotate turns the other way than Rotate90, and Affine with scale 2 shows the object half as wide, since its
#           numbers map the output's grid into the input.
# Seen:     Rotate90  [[2, 5, 8], [1, 4, 7], [0, 3, 6]]
#           Rotate    [[6, 3, 0], [7, 4, 1], [8, 5, 2]]
#           an object 4 voxels wide: Zoom 8, Affine 2
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import math

import torch
from monai.transforms import Affine, Rotate, Rotate90, Zoom

image = torch.arange(9.0).reshape(1, 3, 3)
turned = [t(image).as_tensor()[0].round().int().tolist() for t in (Rotate90(k=1), Rotate(math.pi / 2))]
print("Rotate90 ", turned[0])
print("Rotate   ", turned[1])
assert turned == [[[2, 5, 8], [1, 4, 7], [0, 3, 6]], [[6, 3, 0], [7, 4, 1], [8, 5, 2]]]

image = torch.zeros(1, 16, 16)
image[:, 6:10] = 1
scaled = Zoom((2, 1), mode="bilinear")(image), Affine(scale_params=(2, 1), padding_mode="zeros", image_only=True)(image)
widths = [int((found.as_tensor()[0, :, 8] > 0.5).sum()) for found in scaled]
print("an object 4 voxels wide: Zoom {}, Affine {}".format(*widths))
assert widths == [8, 2]
PY
