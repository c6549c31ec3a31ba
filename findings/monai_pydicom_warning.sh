#!/usr/bin/env bash
# MONAI warns of a missing GPU decoder for DICOM when a NIfTI file is loaded, as soon as pydicom is installed.
#
# Versions: MONAI 1.6.1, torch 2.13.0, pydicom 3.0.2, nibabel 5.4.2.
# Input:    LoadImage() for a NIfTI file, with and without pydicom beside MONAI; nvidia-nvimgcodec is in neither.
# Guess:    pydicom is an optional reader of DICOM, so that a NIfTI is loaded as before.
# Came:     the file is, but each LoadImage that is made warns that the "nvImageCodec decoder plugin did not register
#           successfully": all readers are set up in advance, one of them registers a decoder with pydicom. A training
#           that makes several such transforms, in several workers, tells so each time.
# Seen:     without pydicom: 0 warnings of NvImgCodecPydicomReader
#           with pydicom:    1 warnings of NvImgCodecPydicomReader
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq monai==1.6.1 torch==2.13.0 nibabel==5.4.2 numpy==2.4.6
cd "$work"
cat >load.py <<'PY'
import sys
import warnings

import nibabel as nib
import numpy as np
from monai.transforms import LoadImage

nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4)), "a.nii.gz")
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    assert LoadImage(image_only=True)("a.nii.gz").shape == (4, 4, 4)
count = sum("NvImgCodecPydicomReader" in str(warning.message) for warning in said)
print(f"{sys.argv[1]} {count} warnings of NvImgCodecPydicomReader")
assert count == int(sys.argv[2])
PY
venv/bin/python load.py "without pydicom:" 0
"$work/venv/bin/pip" install -qq pydicom==3.0.2
venv/bin/python load.py "with pydicom:   " 1
