#!/usr/bin/env bash
# A rounded voxel size makes MONAI throw a NIfTI file's sform away.
#
# Versions: MONAI 1.6.1, nibabel 5.4.2, SimpleITK 2.5.7.
# Input:    a CT whose sform (code 1) has columns of 2.9296875 mm and whose pixdim says 2.93, as a tool writes it that
#           rounds, and a mask saved after `set_sform` alone, which leaves pixdim at 1 mm. Neither has a qform (code 0).
# Guess:    the sform is set and the qform is not, so all three readers take the sform.
# Came:     MONAI compares pixdim with the columns' lengths (tolerance 1e-5, relative) and, where they differ, takes the
#           qform in the sform's place, even one that is not set: voxel (0, 0, 0) moves from (100, 90, -50) mm to
#           (0, 0, 0), and left and right, front and back are exchanged. SimpleITK keeps the sform's origin and axes but
#           takes the lengths from pixdim: the mask of 2.93 mm voxels has voxels of 1 mm. Only nibabel reads what the
#           sform says. Nobody raises; SimpleITK prints "unexpected scales in sform" for the mask.
# Seen:     rounded   nibabel (-2.93, 100.0)  SimpleITK (-2.93, 100.0)  MONAI (2.93, 0.0)
#           set_sform nibabel (-2.93, 100.0)  SimpleITK (-1.0, 100.0)  MONAI (1.0, 0.0)
#           exact     nibabel (-2.93, 100.0)  SimpleITK (-2.93, 100.0)  MONAI (-2.93, 100.0)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 nibabel==5.4.2 SimpleITK==2.5.7 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import nibabel as nib
import numpy as np
import SimpleITK as sitk
from monai.transforms import LoadImage

sform = np.array([[-2.9296875, 0, 0, 100], [0, -2.9296875, 0, 90], [0, 0, 3, -50], [0, 0, 0, 1]])


def x_axis(name):
    """Step and origin along the first axis, in nibabel's right-to-left coordinates, as three readers see them."""
    itk = sitk.ReadImage(name)
    monai = LoadImage(reader="NibabelReader")(name).affine.numpy()
    found = (
        nib.load(name).affine[0, [0, 3]],
        (-itk.GetDirection()[0] * itk.GetSpacing()[0], -itk.GetOrigin()[0]),
        monai[0, [0, 3]],
    )
    found = [tuple(round(float(value), 2) for value in pair) for pair in found]
    print("{:9} nibabel {}  SimpleITK {}  MONAI {}".format(name.removesuffix(".nii"), *found))
    return found


for name, pixdim in (("rounded", (2.93, 2.93, 3)), ("set_sform", (1, 1, 1)), ("exact", (2.9296875, 2.9296875, 3))):
    image = nib.Nifti1Image(np.zeros((6, 5, 4), np.int16), None)
    image.set_sform(sform, 1)
    image.header["pixdim"][1:4] = pixdim
    nib.save(image, f"{name}.nii")
assert x_axis("rounded.nii") == [(-2.93, 100), (-2.93, 100), (2.93, 0)]
assert x_axis("set_sform.nii") == [(-2.93, 100), (-1, 100), (1, 0)]
assert x_axis("exact.nii") == [(-2.93, 100)] * 3
PY
