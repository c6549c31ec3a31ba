#!/usr/bin/env bash
# scl_slope 0 with scl_inter -1024: SimpleITK adds the intercept, nibabel does not.
#
# Versions: nibabel 5.4.2 (which MONAI's default reader uses), SimpleITK 2.5.7.
# Input:    a CT whose header has slope 0 ("do not scale", says the standard) and intercept -1024.
# Guess:    nobody scales, as the standard says of slope 0: the stored 1024 is 1024 in both.
# Came:     SimpleITK keeps the slope out and adds the intercept: water is 0 HU there and 1024 HU for nibabel.
#           Both are plausible integers, so nothing looks wrong.
# Seen:     nibabel 1024, SimpleITK 0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq nibabel==5.4.2 SimpleITK==2.5.7 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import SimpleITK as sitk

nib.save(nib.Nifti1Image(np.full((6, 5, 4), 1024, np.int16), np.eye(4)), "ct.nii")
raw = bytearray(Path("ct.nii").read_bytes())
raw[112:120] = struct.pack("<ff", 0, -1024)  # scl_slope and scl_inter; nibabel's writer would reset them
Path("ct.nii").write_bytes(raw)

water = {
    "nibabel": nib.load("ct.nii").get_fdata()[0, 0, 0],
    "SimpleITK": sitk.ReadImage("ct.nii")[0, 0, 0],
}
print(", ".join(f"{reader} {float(value):g}" for reader, value in water.items()))
assert [float(value) for value in water.values()] == [1024, 0]
PY
