#!/usr/bin/env bash
# A CT with a tilted gantry: SimpleITK turns the stack of slices without a word.
#
# Versions: SimpleITK 2.5.7, pydicom 3.0.2 (which writes the files).
# Input:    five slices, tilted by 15 degrees, whose positions climb straight up the table, 3 mm a slice (a head CT).
# Guess:    SimpleITK cannot hold a shear, so it refuses, or warns as it does for a missing slice.
# Came:     it says nothing, stacks the slices along their own normal at the distance of their positions, and the fifth
#           slice lies 3.1 mm from where its header puts it: 0.8 mm a slice, 78 mm after a hundred. A reader that
#           keeps the shear (MONAI's PydicomReader) disagrees, although size and spacing are the same.
# Seen:     fifth slice: header (0, 0, 12), SimpleITK (0.0, 3.11, 11.59), spacing (1.0, 1.0, 3.0)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq SimpleITK==2.5.7 pydicom==3.0.2 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import math

import numpy as np
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

study, series, frame, names = generate_uid(), generate_uid(), generate_uid(), []
tilt = math.radians(15)
for k in range(5):
    slice_ = Dataset()
    slice_.file_meta = FileMetaDataset()
    slice_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    slice_.SOPClassUID, slice_.SOPInstanceUID, slice_.Modality = CTImageStorage, generate_uid(), "CT"
    slice_.StudyInstanceUID, slice_.SeriesInstanceUID, slice_.FrameOfReferenceUID = study, series, frame
    slice_.ImagePositionPatient = [0, 0, 3 * k]
    slice_.ImageOrientationPatient = [1, 0, 0, 0, round(math.cos(tilt), 8), round(-math.sin(tilt), 8)]
    slice_.PixelSpacing, slice_.SliceThickness, slice_.InstanceNumber = [1, 1], 3, k + 1
    slice_.GantryDetectorTilt = 15
    slice_.Rows = slice_.Columns = 8
    slice_.SamplesPerPixel, slice_.PhotometricInterpretation, slice_.PixelRepresentation = 1, "MONOCHROME2", 0
    slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit = 16, 16, 15
    slice_.RescaleSlope, slice_.RescaleIntercept = 1, -1024
    slice_.PixelData = np.full((8, 8), 1000, np.uint16).tobytes()
    names.append(f"{k}.dcm")
    slice_.save_as(names[-1], enforce_file_format=True)

image = sitk.ReadImage(names)
fifth = [round(x, 2) for x in image.TransformIndexToPhysicalPoint((0, 0, 4))]
print("fifth slice: header [0, 0, 12], SimpleITK", fifth, "spacing", image.GetSpacing())
assert fifth == [0, 3.11, 11.59] and image.GetSpacing() == (1, 1, 3)
PY
