#!/usr/bin/env bash
# A NIfTI file without sform and qform: nibabel and SimpleITK exchange front and back, and disagree on the middle.
#
# Versions: nibabel 5.4.2, SimpleITK 2.5.7.
# Input:    both codes 0, pixdim 2 x 2 x 5 mm: what a converter leaves that knows voxel sizes only.
# Guess:    both fall back to the same thing, voxel axes along the world's axes with the origin at voxel (0, 0, 0).
# Came:     the first axis runs to the left and the third upwards in both, but the second runs to the front in nibabel
#           and to the back in SimpleITK; nibabel puts the volume's middle at (0, 0, 0), SimpleITK its first voxel. One
#           file, no warning, and a mask that was drawn with one reader is mirrored front to back for the other.
# Seen:     nibabel axes LAS, voxel (0, 0, 0) at [5.0, -4.0, -7.5]
#           SimpleITK axes LPS, voxel (0, 0, 0) at [0.0, 0.0, 0.0]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq nibabel==5.4.2 SimpleITK==2.5.7 numpy==2.4.6
cd "$work"
venv/bin/python - <<'PY'
import nibabel as nib
import numpy as np
import SimpleITK as sitk

image = nib.Nifti1Image(np.zeros((6, 5, 4), np.int16), None)
image.header["pixdim"][1:4] = 2, 2, 5
image.header["qform_code"] = image.header["sform_code"] = 0
nib.save(image, "image.nii")

affine = nib.load("image.nii").affine
itk = sitk.ReadImage("image.nii")
to_ras = np.diag([-1, -1, 1])
itk_axes = to_ras @ np.reshape(itk.GetDirection(), (3, 3))
itk_first = to_ras @ np.array(itk.GetOrigin()) + 0.0
for reader, axes, first in (("nibabel", affine[:3, :3], affine[:3, 3]), ("SimpleITK", itk_axes, itk_first)):
    square = np.eye(4)
    square[:3, :3] = axes
    print(reader, "axes", "".join(nib.aff2axcodes(square)) + ", voxel (0, 0, 0) at", first.tolist())
assert nib.aff2axcodes(affine) == ("L", "A", "S") and affine[:3, 3].tolist() == [5, -4, -7.5]
assert np.diag(itk_axes).tolist() == [-1, -1, 1] and itk_first.tolist() == [0, 0, 0]
PY
