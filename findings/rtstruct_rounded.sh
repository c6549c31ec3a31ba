#!/usr/bin/env bash
# DicomRTTool moves the corners of RTSTRUCT contours to whole voxels and draws the edge too: structures grow.
#
# Versions: DicomRTTool 6.2.0, pydicom 3.0.2 (which writes the files).
# Input:    on two slices of 1 mm voxels a square whose edges stand on the borders between voxels (8 x 8 voxels), and the
#           same square turned by 45 degrees (corners 8.7 mm from the middle: 145 centres of voxels lie in it).
# Guess:    128 and 290 voxels, those whose centres the contours hold; other readers of the field (plastimatch, MIRP) say so.
# Came:     the square is 9 x 9 voxels, the turned one grows by a quarter, without a word. On two public sarcomas of IBSI
#           (0.98 mm voxels, 9000 and 5600 of them) the tumours become 10 and 11 % larger, Dice 0.95 with the publisher's
#           own masks; platipy 0.7.2 and med-imagetools 2.16.0 draw these the same.
# Seen:     square 128 voxels, DicomRTTool 162
#           turned 290 voxels, DicomRTTool 362
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq DicomRTTool==6.2.0 pydicom==3.0.2
cd "$work"
venv/bin/python -W ignore - 2>warnings.txt <<'PY'
import os

import numpy as np
from DicomRTTool.ReaderWriter import DicomReaderWriter
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid


def item(**tags):
    data = Dataset()
    for name, value in tags.items():
        setattr(data, name, value)
    return data


def voxels(folder, points):
    study, series, frame, slices = generate_uid(), generate_uid(), generate_uid(), []

    def base(sop_class, modality):
        data = item(SOPClassUID=sop_class, SOPInstanceUID=generate_uid(), Modality=modality, StudyInstanceUID=study)
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.PatientID = data.PatientName = "1"
        data.FrameOfReferenceUID = frame
        return data

    os.mkdir(folder)
    for k in range(6):
        data = base(CTImageStorage, "CT")
        data.SeriesInstanceUID, data.InstanceNumber = series, k + 1
        data.ImagePositionPatient, data.ImageOrientationPatient = [0, 0, 3 * k], [1, 0, 0, 0, 1, 0]
        data.PixelSpacing, data.SliceThickness = [1, 1], 3
        data.Rows = data.Columns = 32
        data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
        data.RescaleSlope, data.RescaleIntercept = 1, -1024
        data.PixelData = np.full((32, 32), 1000, np.uint16).tobytes()
        data.save_as(f"{folder}/{k}.dcm", enforce_file_format=True)
        slices.append(data)
    data = base(RTStructureSetStorage, "RTSTRUCT")
    data.SeriesInstanceUID, data.StructureSetLabel = generate_uid(), "shape"
    images = [item(ReferencedSOPClassUID=s.SOPClassUID, ReferencedSOPInstanceUID=s.SOPInstanceUID) for s in slices]
    one = item(SeriesInstanceUID=series, ContourImageSequence=Sequence(images))
    of_study = item(ReferencedSOPInstanceUID=study, RTReferencedSeriesSequence=Sequence([one]))
    of_frame = item(FrameOfReferenceUID=frame, RTReferencedStudySequence=Sequence([of_study]))
    data.ReferencedFrameOfReferenceSequence = Sequence([of_frame])
    data.StructureSetROISequence = Sequence([item(ROINumber=1, ROIName="shape", ReferencedFrameOfReferenceUID=frame)])
    drawn = []
    for k in (2, 3):
        contour = item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=len(points))
        contour.ContourImageSequence = Sequence([images[k]])
        contour.ContourData = [value for x, y in points for value in (x, y, 3 * k)]
        drawn.append(contour)
    data.ROIContourSequence = Sequence([item(ReferencedROINumber=1, ContourSequence=Sequence(drawn))])
    data.save_as(f"{folder}/rs.dcm", enforce_file_format=True)
    reader = DicomReaderWriter(Contour_Names=["shape"], verbose=False)
    reader.walk_through_folders(folder)
    reader.get_mask()
    return int((reader.mask > 0).sum())


square = [(3.5, 3.5), (11.5, 3.5), (11.5, 11.5), (3.5, 11.5)]
turned = [(12, 3.3), (20.7, 12), (12, 20.7), (3.3, 12)]
rows, columns = np.mgrid[:32, :32]
assert 2 * ((abs(columns - 7.5) < 4) & (abs(rows - 7.5) < 4)).sum() == 128
assert 2 * (abs(columns - 12) + abs(rows - 12) < 8.7).sum() == 290
for name, points, centres, expected in (("square", square, 128, 162), ("turned", turned, 290, 362)):
    found = voxels(name, points)
    print(f"{name} {centres} voxels, DicomRTTool {found}")
    assert found == expected
PY
