#!/usr/bin/env bash
# MONAI reads every NRRD space but LPS as RAS: a left-anterior-superior volume comes out mirrored.
#
# Versions: MONAI 1.6.1 (its NrrdReader, the default for .nrrd), pynrrd 1.1.3, SimpleITK 2.5.7.
# Input:    one array, the space named left-anterior-superior (all of the format's names for it are valid), axes along
#           the space's, origin (10, 20, 30).
# Guess:    MONAI turns the space it finds into RAS, as it does with left-posterior-superior, or raises for others.
# Came:     it flips the first two axes for left-posterior-superior and passes all others through: a volume in LAS is
#           taken for RAS, left and right exchanged, with the origin on the wrong side. SimpleITK converts it rightly.
#           A mask next to it as NIfTI is right, so image and mask lie mirrored.
# Seen:     left-posterior-superior  SimpleITK [-2, -3, 4] at [-10, -20, 30]  MONAI [-2, -3, 4] at [-10, -20, 30]
#           right-anterior-superior  SimpleITK [2, 3, 4] at [10, 20, 30]  MONAI [2, 3, 4] at [10, 20, 30]
#           left-anterior-superior   SimpleITK [-2, 3, 4] at [-10, 20, 30]  MONAI [2, 3, 4] at [10, 20, 30]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 pynrrd==1.1.3 SimpleITK==2.5.7 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import nrrd
import numpy as np
import SimpleITK as sitk
from monai.transforms import LoadImage

to_ras = np.diag([-1, -1, 1])
for space in ("left-posterior-superior", "right-anterior-superior", "left-anterior-superior"):
    header = {"space": space, "space directions": np.diag([2.0, 3, 4]), "space origin": [10, 20, 30]}
    nrrd.write("image.nrrd", np.zeros((6, 5, 4), np.int16), header)
    image = sitk.ReadImage("image.nrrd")
    itk_steps = np.diag(to_ras @ np.reshape(image.GetDirection(), (3, 3))) * image.GetSpacing()
    itk_origin = to_ras @ np.array(image.GetOrigin())
    affine = LoadImage()("image.nrrd").affine.numpy()
    itk = [[round(x) for x in values] for values in (itk_steps, itk_origin)]
    monai = [[round(x) for x in values] for values in (np.diag(affine)[:3], affine[:3, 3])]
    print(space.ljust(24), "SimpleITK {} at {}  MONAI {} at {}".format(*itk, *monai))
    assert (itk == monai) is (space != "left-anterior-superior")
assert itk == [[-2, 3, 4], [-10, 20, 30]] and monai == [[2, 3, 4], [10, 20, 30]]
PY
