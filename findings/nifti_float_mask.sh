#!/usr/bin/env bash
# A float array of whole labels, saved under an integer header, does not come back whole.
#
# Versions: nibabel 5.4.2, MONAI 1.6.1.
# Input:    labels 0 to 4 as float64 (what a resampling or an argmax on the way leaves), header set to int16 or uint8.
# Guess:    0 to 4 fit both types exactly, so nibabel stores them as they are and they come back as 0 to 4.
# Came:     for float data nibabel stretches the range over the whole integer type and writes a slope: what comes back
#           lies beside the labels, below some and above others, by up to 0.008. Whatever cuts off, as `astype(int)`
#           and MONAI's AsDiscrete(to_onehot=5) do, gives whole classes the label below.
# Seen:     int16 [0.0, 1.0000152587890625, 2.000030517578125, 2.999984740279615, 3.9999999990686774]
#              astype(int) [0, 1, 2, 2, 3]  MONAI's AsDiscrete [0, 1, 2, 2, 4]
#           uint8 [0.0, 1.003921627998352, 1.9921569805592299, 2.996078608557582, 4.000000236555934]
#              astype(int) [0, 1, 1, 2, 4]  MONAI's AsDiscrete [0, 1, 1, 2, 4]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 nibabel==5.4.2 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import nibabel as nib
import numpy as np
import torch
from monai.transforms import AsDiscrete, LoadImage

labels = np.arange(5.0).reshape(5, 1, 1) + np.zeros((5, 5, 4))
for kind, cut, chosen in ((np.int16, [0, 1, 2, 2, 3], [0, 1, 2, 2, 4]), (np.uint8, [0, 1, 1, 2, 4], [0, 1, 1, 2, 4])):
    image = nib.Nifti1Image(labels, np.eye(4))
    image.header.set_data_dtype(kind)
    nib.save(image, "mask.nii")
    read = nib.load("mask.nii").get_fdata()[:, 0, 0]
    whole = read.astype(int).tolist()
    one_hot = AsDiscrete(to_onehot=5)(LoadImage()("mask.nii")[None, :, 0, 0])
    classes = torch.argmax(one_hot.as_tensor(), 0).tolist()
    print(kind.__name__, read.tolist(), "\n   astype(int)", whole, " MONAI's AsDiscrete", classes)
    assert (whole, classes) == (cut, chosen)
PY
