#!/usr/bin/env bash
# Dice of two empty masks: SimpleITK says infinity.
#
# Versions: SimpleITK 2.5.7.
# Input:    two masks of one shape without a voxel, as of a case that has no lymph node and in which none was predicted.
# Guess:    1, as MedPy says, or NaN, as MONAI and nnU-Net say.
# Came:     infinity. A mean that leaves out NaN alone becomes infinite, too.
# Seen:     dice inf, mean over cases [0.8, inf] = inf
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq SimpleITK==2.5.7 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import numpy as np
import SimpleITK as sitk

empty = sitk.Image(8, 8, 8, sitk.sitkUInt8)
overlap = sitk.LabelOverlapMeasuresImageFilter()
overlap.Execute(empty, empty)
dice = overlap.GetDiceCoefficient()
mean = np.nanmean([0.8, dice])
print("dice", dice, "mean over cases [0.8, inf] =", mean)
assert dice == np.inf and mean == np.inf
PY
