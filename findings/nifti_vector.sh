#!/usr/bin/env bash
# A NIfTI file with several values a voxel, as SimpleITK writes it, gets one axis too many in MONAI.
#
# Versions: MONAI 1.6.1, SimpleITK 2.5.7, nibabel 5.4.2, itk-io 5.4.7.
# Input:    a vector image (three probability maps, or a displacement field) of 6 x 5 x 4 voxels by sitk.WriteImage.
# Guess:    LoadImage(ensure_channel_first=True) makes (3, 6, 5, 4) of it, whichever reader it uses.
# Came:     NIfTI keeps the fourth axis for time, so the components are on the fifth. MONAI's default reader moves that
#           axis to the front and leaves the empty time axis at the end: (3, 6, 5, 4, 1), a volume of four dimensions of
#           space for every transform after it. MONAI's ITKReader gives (3, 6, 5, 4).
# Seen:     NibabelReader (3, 6, 5, 4, 1), ITKReader (3, 6, 5, 4)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 nibabel==5.4.2 itk-io==5.4.7 SimpleITK==2.5.7 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import numpy as np
import SimpleITK as sitk
from monai.transforms import LoadImage

sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 5, 6, 3), np.float32), isVector=True), "maps.nii.gz")
found = {
    reader: tuple(LoadImage(reader=reader, ensure_channel_first=True)("maps.nii.gz").shape)
    for reader in ("NibabelReader", "ITKReader")
}
print(", ".join(f"{reader} {shape}" for reader, shape in found.items()))
assert list(found.values()) == [(3, 6, 5, 4, 1), (3, 6, 5, 4)]
PY
