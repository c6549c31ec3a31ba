#!/usr/bin/env bash
# MONAI cannot read the NRRD that MONAI wrote, once it has more than one channel.
#
# Versions: MONAI 1.6.1, pynrrd 1.1.3, itk-io 5.4.7, SimpleITK 2.5.7.
# Input:    SaveImage of three probability maps to .mha and to .nrrd; overlapping segments of a .seg.nrrd look the same.
# Guess:    both formats come back as (3, 6, 5, 4); SimpleITK reads both as three components.
# Came:     .mha does. LoadImage of the .nrrd stops in NumPy, "could not broadcast input array": its default reader
#           takes the channel axis for an axis of space; reader="ITKReader" reads the same file, as does SimpleITK.
# Seen:     .mha  (3, 6, 5, 4)
#           .nrrd ValueError: could not broadcast input array from shape (3,4) into shape (4,3)
#           .nrrd with ITKReader (3, 6, 5, 4), SimpleITK 3 components
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 pynrrd==1.1.3 itk-io==5.4.7 SimpleITK==2.5.7 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import SimpleITK as sitk
import torch
from monai.data import MetaTensor
from monai.transforms import LoadImage, SaveImage

maps = MetaTensor(torch.rand(3, 6, 5, 4), affine=torch.eye(4))
for extension in (".mha", ".nrrd"):
    SaveImage(".", "", output_ext=extension, separate_folder=False, print_log=False)(maps)
assert (found := tuple(LoadImage(ensure_channel_first=True)("0.mha").shape)) == (3, 6, 5, 4)
print(".mha ", found)
try:
    LoadImage(ensure_channel_first=True)("0.nrrd")
except ValueError as error:
    print(".nrrd ValueError:", error)
else:
    raise SystemExit("the default reader takes it now")
found = tuple(LoadImage(reader="ITKReader", ensure_channel_first=True)("0.nrrd").shape)
components = sitk.ReadImage("0.nrrd").GetNumberOfComponentsPerPixel()
print(f".nrrd with ITKReader {found}, SimpleITK {components} components")
assert found == (3, 6, 5, 4) and components == 3
PY
