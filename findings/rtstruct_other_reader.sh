#!/usr/bin/env bash
# An RTSTRUCT that rt-utils wrote, read by MIRP: blocks shrink, single voxels are lost, an empty slice is filled.
#
# Versions: rt-utils 1.2.7, MIRP 2.7.0, pydicom 3.0.2.
# Input:    masks on a CT of 16 x 16 x 8 voxels: a block of 6 x 8 voxels on three slices, the same block on slices 2
#           and 4 with nothing on slice 3, and one single voxel.
# Guess:    a contour file holds voxel masks to within a voxel of the edge here or there: 144, 96 and 1 voxels come back
#           from rt-utils itself (they do), and nearly so from another reader.
# Came:     rt-utils draws contours through the centres of the edge voxels and fills them with their edge; MIRP counts
#           what lies inside: each slice loses its last row and column, 27 % of the block. MIRP fills slice 3 of the
#           second mask, since it takes a missing contour for one to interpolate, and has no mask at all for the
#           single voxel, whose "closed" contour has one point.
# Seen:     block 144 voxels, MIRP 105 on slices [2, 3, 4]
#           gap 96 voxels, MIRP 126 on slices [2, 3, 4]
#           voxel 1 voxels, MIRP 0 on slices []
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq rt-utils==1.2.7 mirp==2.7.0 pydicom==3.0.2 numpy==2.4.6 opencv-python==5.0.0.93
cd "$work"
venv/bin/python -W ignore - 2>warnings.txt <<'PY'
import os

import numpy as np
from mirp import extract_images
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from rt_utils import RTStructBuilder

study, series, frame = generate_uid(), generate_uid(), generate_uid()
os.mkdir("ct")
for k in range(8):
    slice_ = Dataset()
    slice_.file_meta = FileMetaDataset()
    slice_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    slice_.SOPClassUID, slice_.SOPInstanceUID, slice_.Modality = CTImageStorage, generate_uid(), "CT"
    slice_.StudyInstanceUID, slice_.SeriesInstanceUID, slice_.FrameOfReferenceUID = study, series, frame
    slice_.PatientID = slice_.PatientName = slice_.StudyID = "1"
    slice_.PatientBirthDate = slice_.PatientSex = slice_.StudyDate = slice_.StudyTime = ""
    slice_.ImagePositionPatient, slice_.ImageOrientationPatient = [0, 0, 2 * k], [1, 0, 0, 0, 1, 0]
    slice_.PixelSpacing, slice_.SliceThickness, slice_.InstanceNumber = [1, 1], 2, k + 1
    slice_.Rows = slice_.Columns = 16
    slice_.SamplesPerPixel, slice_.PhotometricInterpretation, slice_.PixelRepresentation = 1, "MONOCHROME2", 0
    slice_.BitsAllocated, slice_.BitsStored, slice_.HighBit = 16, 16, 15
    slice_.RescaleSlope, slice_.RescaleIntercept = 1, -1024
    slice_.PixelData = np.full((16, 16), 1000, np.uint16).tobytes()
    slice_.save_as(f"ct/{k}.dcm", enforce_file_format=True)

for name, slices, corner, expected in (
    ("block", [2, 3, 4], (slice(3, 9), slice(4, 12)), (105, [2, 3, 4])),
    ("gap", [2, 4], (slice(3, 9), slice(4, 12)), (126, [2, 3, 4])),
    ("voxel", [3], (slice(10, 11), slice(14, 15)), (0, [])),
):
    mask = np.zeros((16, 16, 8), bool)
    for k in slices:
        mask[(*corner, k)] = True
    structures = RTStructBuilder.create_new("ct")
    structures.add_roi(mask=mask, name=name)
    structures.save("rt.dcm")
    assert (RTStructBuilder.create_from("ct", "rt.dcm").get_roi_mask_by_name(name) == mask).all()
    read = np.zeros((8, 16, 16))
    for _, masks in extract_images(image="ct", mask="rt.dcm", image_export_format="native", write_images=False):
        for found in masks:
            read = found.roi.get_voxel_grid()
    where = np.flatnonzero(read.any((1, 2))).tolist()
    print(f"{name} {mask.sum()} voxels, MIRP {int(read.sum())} on slices {where}")
    assert (int(read.sum()), where) == expected
PY
