#!/usr/bin/env bash
# rt-utils gives the mask of a CT with unequal rows and columns back transposed in shape, and cut.
#
# Versions: rt-utils 1.2.7, pydicom 3.0.2.
# Input:    a CT of 12 rows and 16 columns (cropped to the body), a mask of 15 voxels in columns 10 to 14, written as
#           RTSTRUCT and read again with the same library over the same CT.
# Guess:    the mask comes back as (12, 16, slices), at worst with other voxels along its edge.
# Came:     the shape is (16, 12, slices), so rows are still counted along the first axis, but the last columns are not
#           there: what lies beyond column 11 is gone. 6 of the 15 voxels are left, no error. Square CTs are right.
# Seen:     12 x 16 CT: wrote (12, 16, 4) with 15 voxels, read (16, 12, 4) with 6
#           16 x 16 CT: wrote (16, 16, 4) with 15 voxels, read (16, 16, 4) with 15
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq rt-utils==1.2.7 pydicom==3.0.2 numpy==2.4.6 opencv-python==5.0.0.93
cd "$work"
venv/bin/python -W ignore - <<'PY'
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from rt_utils import RTStructBuilder


def round_trip(rows, columns):
    folder = Path(f"ct{rows}")
    folder.mkdir()
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for k in range(4):
        slice_ = Dataset()
        slice_.file_meta = FileMetaDataset()
        slice_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        slice_.SOPClassUID, slice_.SOPInstanceUID, slice_.Modality = CTImageStorage, generate_uid(), "CT"
        slice_.StudyInstanceUID, slice_.SeriesInstanceUID, slice_.FrameOfReferenceUID = study, series, frame
        slice_.PatientID = slice_.PatientName = slice_.StudyID = "1"
        slice_.PatientBirthDate = slice_.PatientSex = slice_.StudyDate = slice_.StudyTime = ""
        slice_.ImagePositionPatient, slice_.ImageOrientationPatient = [0, 0, 2 * k], [1, 0, 0, 0, 1, 0]
        slice_.PixelSpacing, slice_.SliceThickness, slice_.InstanceNumber = [1, 1], 2, k + 1
        slice_.Rows, slice_.Columns = rows, columns
        slice_.SamplesPerPixel, slice_.PhotometricInterpretation, slice_.PixelRepresentation = 1, "MONOCHROME2", 0
        slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit = 16, 16, 15
        slice_.PixelData = bytes(2 * rows * columns)
        slice_.save_as(folder / f"{k}.dcm", enforce_file_format=True)
    mask = np.zeros((rows, columns, 4), bool)
    mask[3:6, 10:15, 2] = True
    structures = RTStructBuilder.create_new(str(folder))
    structures.add_roi(mask=mask, name="organ")
    structures.save(f"rt{rows}.dcm")
    read = RTStructBuilder.create_from(str(folder), f"rt{rows}.dcm").get_roi_mask_by_name("organ")
    print(f"{rows} x {columns} CT: wrote {mask.shape} with {mask.sum()} voxels, read {read.shape} with {read.sum()}")
    return read.shape, int(read.sum())


assert round_trip(12, 16) == ((16, 12, 4), 6)
assert round_trip(16, 16) == ((16, 16, 4), 15)
PY
