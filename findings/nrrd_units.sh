#!/usr/bin/env bash
# An NRRD in centimetres: SimpleITK takes them for millimetres, although it converts the units of NIfTI.
#
# Versions: SimpleITK 2.5.7, pynrrd 1.1.3, nibabel 5.4.2, numpy 2.4.6.
# Input:    a volume of voxels of 1.2 x 0.9 x 2.5 mm, as NRRD with `space units: "cm" "cm" "cm"`, which the format provides
#           for, and as NIfTI in metres.
# Guess:    SimpleITK, whose lengths are mm, converts both, or refuses what it does not convert.
# Came:     the NIfTI has voxels of 1.2 x 0.9 x 2.5 mm; the NRRD has 0.12 x 0.09 x 0.25, ten times too small, its corner lies
#           ten times too near, no warning is given, and no key of the image tells of the unit.
# Seen:     NIfTI in metres     1.2 x 0.9 x 2.5
#           NRRD in centimetres 0.12 x 0.09 x 0.25, keys that name a unit: 0
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq SimpleITK==2.5.7 pynrrd==1.1.3 nibabel==5.4.2 numpy==2.4.6
cd "$work"
venv/bin/python - <<'PY'
import nibabel as nib
import nrrd
import numpy as np
import SimpleITK as sitk

size, values = np.array([1.2, 0.9, 2.5]), np.arange(60, dtype=np.int16).reshape(3, 4, 5)
header = {"space": "left-posterior-superior", "space directions": np.diag(size / 10), "space origin": [-3, -4, -50]}
nrrd.write("ct.nrrd", values, header | {"space units": ["cm", "cm", "cm"]})
assert b'space units: "cm" "cm" "cm"' in open("ct.nrrd", "rb").read()
nifti = nib.Nifti1Image(values, np.diag([*(size / 1000), 1]))
nifti.header.set_xyzt_units("meter")
nib.save(nifti, "ct.nii")
of_nrrd, of_nifti = sitk.ReadImage("ct.nrrd"), sitk.ReadImage("ct.nii")
told = [key for key in of_nrrd.GetMetaDataKeys() if "unit" in key.lower()]
in_nifti, in_nrrd = (" x ".join(f"{mm:.3g}" for mm in image.GetSpacing()) for image in (of_nifti, of_nrrd))
print(f"NIfTI in metres     {in_nifti}\nNRRD in centimetres {in_nrrd}, keys that name a unit: {len(told)}")
assert np.allclose(of_nifti.GetSpacing(), size, rtol=1e-5) and np.allclose(of_nrrd.GetSpacing(), size / 10)
assert of_nrrd.GetOrigin() == (-3, -4, -50) and not told
PY
