#!/usr/bin/env bash
# An sform and a qform that disagree: each family of readers takes another one, and MONAI's own two readers part ways.
#
# Versions: nibabel 5.4.2, MONAI 1.6.1, SimpleITK 2.5.7, ITK 5.4.7, TorchIO 1.2.1.
# Input:    a file whose qform (code 1, scanner) lies 10 mm beside its sform, whose code is 1, 2 (aligned),
#           3 (Talairach) or 4 (MNI), as after a registration that wrote its result into the sform.
# Guess:    the sform wins where its code is above 0, in all of them, as the standard's method 3 reads.
# Came:     nibabel and MONAI's default reader take the sform for every code. SimpleITK, TorchIO and MONAI's own
#           ITKReader take it only for code 1 and the qform for 2, 3 and 4: an image and a mask that were opened with
#           different readers lie 10 mm apart, although both read one file's header.
# Seen:     sform code 1: nibabel 100, MONAI NibabelReader 100, MONAI ITKReader 100, SimpleITK 100, TorchIO 100
#           sform code 2: nibabel 100, MONAI NibabelReader 100, MONAI ITKReader 110, SimpleITK 110, TorchIO 110
#           sform code 3 and 4: as code 2
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 nibabel==5.4.2 SimpleITK==2.5.7 itk-io==5.4.7 \
    torchio==1.2.1 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import nibabel as nib
import numpy as np
import SimpleITK as sitk
import torchio
from monai.transforms import LoadImage

sform = np.array([[-2.0, 0, 0, 100], [0, -2, 0, 90], [0, 0, 5, -50], [0, 0, 0, 1]])
qform = sform + np.array([[0, 0, 0, 10.0]] + [[0] * 4] * 3)
for code in (1, 2, 3, 4):
    image = nib.Nifti1Image(np.zeros((6, 5, 4), np.int16), None)
    image.set_qform(qform, 1)
    image.set_sform(sform, code)
    nib.save(image, "image.nii.gz")
    left = {
        "nibabel": nib.load("image.nii.gz").affine[0, 3],
        "MONAI NibabelReader": LoadImage(reader="NibabelReader")("image.nii.gz").affine[0, 3],
        "MONAI ITKReader": LoadImage(reader="ITKReader")("image.nii.gz").affine[0, 3],
        "SimpleITK": -sitk.ReadImage("image.nii.gz").GetOrigin()[0],
        "TorchIO": torchio.ScalarImage("image.nii.gz").affine[0, 3],
    }
    print(f"sform code {code}:", ", ".join(f"{reader} {float(x):g}" for reader, x in left.items()))
    other = 100 if code == 1 else 110
    assert [round(float(x)) for x in left.values()] == [100, 100, other, other, other]
PY
