#!/usr/bin/env bash
# A DICOM series whose rescale slope differs by slice: SimpleITK rounds all slices towards zero by the first one's type.
#
# Versions: SimpleITK 2.5.7, pydicom 3.0.2 (which writes the files).
# Input:    four slices that store 1001 with slopes 1, 0.5, 0.25 and 1.5 and intercept -1024 (PET and some MR do so).
# Guess:    the reader looks at all slices and gives floats, or each slice its own type's precision.
# Came:     the first slice has whole numbers, so the volume is int32, and the others lose their fractions without a
#           word. The same series sorted so that a fraction comes first is float64 and right.
# Seen:     whole first: 32-bit signed integer [-23, -523, -773, 477]
#           fraction first: 64-bit float [477.5, -523.5, -773.75, -23.0]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq SimpleITK==2.5.7 pydicom==3.0.2 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import numpy as np
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid


def read_series(folder, slopes):
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    names = []
    for k, slope in enumerate(slopes):
        slice_ = Dataset()
        slice_.file_meta = FileMetaDataset()
        slice_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        slice_.SOPClassUID, slice_.SOPInstanceUID, slice_.Modality = CTImageStorage, generate_uid(), "CT"
        slice_.StudyInstanceUID, slice_.SeriesInstanceUID, slice_.FrameOfReferenceUID = study, series, frame
        slice_.ImagePositionPatient, slice_.ImageOrientationPatient = [0, 0, 2 * k], [1, 0, 0, 0, 1, 0]
        slice_.PixelSpacing, slice_.SliceThickness, slice_.InstanceNumber = [1, 1], 2, k + 1
        slice_.Rows = slice_.Columns = 8
        slice_.SamplesPerPixel, slice_.PhotometricInterpretation, slice_.PixelRepresentation = 1, "MONOCHROME2", 0
        slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit = 16, 16, 15
        slice_.RescaleSlope, slice_.RescaleIntercept = slope, -1024
        slice_.PixelData = np.full((8, 8), 1001, np.uint16).tobytes()
        names.append(f"{folder}{k}.dcm")
        slice_.save_as(names[-1], enforce_file_format=True)
    image = sitk.ReadImage(names)
    values = sitk.GetArrayFromImage(image)[:, 0, 0].tolist()
    print(f"{folder} first: {image.GetPixelIDTypeAsString()} {values}")
    return values


assert read_series("whole", (1, 0.5, 0.25, 1.5)) == [-23, -523, -773, 477]
assert read_series("fraction", (1.5, 0.5, 0.25, 1)) == [477.5, -523.5, -773.75, -23]
PY
