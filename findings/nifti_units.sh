#!/usr/bin/env bash
# NIfTI's unit of length: SimpleITK and TorchIO convert metres and micrometres, nibabel and MONAI do not.
#
# Versions: nibabel 5.4.2, MONAI 1.6.1, SimpleITK 2.5.7, TorchIO 1.2.1.
# Input:    the same header three times, with xyzt_units of millimetres, metres and micrometres, for voxels of 2.
# Guess:    either all readers honour the unit or none does.
# Came:     SimpleITK and TorchIO (which opens files with it) multiply: 2 m becomes 2000 mm. nibabel and MONAI say 2. A
#           transform that resamples to 1 mm makes 12 slabs of a 6-voxel axis with one reader and 12000 with the other.
# Seen:     mm     nibabel 2, MONAI 2, SimpleITK 2, TorchIO 2
#           meter  nibabel 2, MONAI 2, SimpleITK 2000, TorchIO 2000
#           micron nibabel 2, MONAI 2, SimpleITK 0.002, TorchIO 0.002
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 nibabel==5.4.2 SimpleITK==2.5.7 torchio==1.2.1 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import nibabel as nib
import numpy as np
import SimpleITK as sitk
import torchio
from monai.transforms import LoadImage

for unit, millimetres in (("mm", 1), ("meter", 1000), ("micron", 0.001)):
    image = nib.Nifti1Image(np.zeros((6, 5, 4), np.int16), np.diag([2.0, 2, 2, 1]))
    image.header.set_xyzt_units(unit)
    nib.save(image, "image.nii")
    step = {
        "nibabel": nib.load("image.nii").header.get_zooms()[0],
        "MONAI": LoadImage()("image.nii").affine[0, 0],
        "SimpleITK": sitk.ReadImage("image.nii").GetSpacing()[0],
        "TorchIO": torchio.ScalarImage("image.nii").spacing[0],
    }
    print(unit.ljust(6), ", ".join(f"{reader} {float(value):g}" for reader, value in step.items()))
    assert np.allclose([float(v) for v in step.values()], [2, 2, 2 * millimetres, 2 * millimetres], rtol=1e-5)
PY
