#!/usr/bin/env bash
# A hole that an RTSTRUCT draws as a second contour inside the first: plastimatch fills it, MIRP leaves it open.
#
# Versions: plastimatch 1.10.0, SimpleITK 2.5.7 and numpy 2.4.6 (to read its masks), MIRP 2.7.0, pydicom 3.0.2.
# Input:    on each of two slices an outer contour of 11 x 15 voxels and one of 3 x 5 voxels inside it, both CLOSED_PLANAR,
#           in one structure, as many planning systems export rings (bladder wall, rectal wall, a tumour with a cavity).
# Guess:    both leave 11 x 15 - 3 x 5 = 150 voxels a slice, or both say that they do not know.
# Came:     MIRP gives 300 voxels on two slices, plastimatch 330, without a word. Drawn as a keyhole (one contour that
#           walks in and out along one line), the same ring is 300 in both.
# Seen:     two contours plastimatch 330, MIRP 300
#           keyhole      plastimatch 300, MIRP 300
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/plastimatch"
python3 -m venv "$work/mirp"
"$work/plastimatch/bin/pip" install -qq plastimatch==1.10.0 SimpleITK==2.5.7 numpy==2.4.6
"$work/mirp/bin/pip" install -qq mirp==2.7.0 pydicom==3.0.2
cd "$work"
mirp/bin/python -W ignore - 2>warnings.txt <<'PY'
import os
import subprocess

import numpy as np
from mirp import extract_images
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

study, series, frame, slices = generate_uid(), generate_uid(), generate_uid(), []


def item(**tags):
    data = Dataset()
    for name, value in tags.items():
        setattr(data, name, value)
    return data


def base(sop_class, modality):
    data = item(SOPClassUID=sop_class, SOPInstanceUID=generate_uid(), Modality=modality, StudyInstanceUID=study)
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.PatientID = data.PatientName = "1"
    data.FrameOfReferenceUID = frame
    return data


os.mkdir("ct")
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
    data.save_as(f"ct/{k}.dcm", enforce_file_format=True)
    slices.append(data)


def box(left, top, right, bottom):
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def voxels(contours):
    data = base(RTStructureSetStorage, "RTSTRUCT")
    data.SeriesInstanceUID, data.StructureSetLabel = generate_uid(), "ring"
    images = [item(ReferencedSOPClassUID=s.SOPClassUID, ReferencedSOPInstanceUID=s.SOPInstanceUID) for s in slices]
    one = item(SeriesInstanceUID=series, ContourImageSequence=Sequence(images))
    of_study = item(ReferencedSOPInstanceUID=study, RTReferencedSeriesSequence=Sequence([one]))
    of_frame = item(FrameOfReferenceUID=frame, RTReferencedStudySequence=Sequence([of_study]))
    data.ReferencedFrameOfReferenceSequence = Sequence([of_frame])
    data.StructureSetROISequence = Sequence([item(ROINumber=1, ROIName="ring", ReferencedFrameOfReferenceUID=frame)])
    drawn = []
    for k in (2, 3):
        for points in contours:
            contour = item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=len(points))
            contour.ContourImageSequence = Sequence([images[k]])
            contour.ContourData = [value for x, y in points for value in (x, y, 3 * k)]
            drawn.append(contour)
    data.ROIContourSequence = Sequence([item(ReferencedROINumber=1, ContourSequence=Sequence(drawn))])
    data.save_as("rs.dcm", enforce_file_format=True)
    words = ["convert", "--input", "rs.dcm", "--referenced-ct", "ct", "--output-prefix", "masks", "--prefix-format", "mha"]
    subprocess.run(["plastimatch/bin/plastimatch", *words], check=True, stdout=subprocess.DEVNULL)
    count = "import SimpleITK as s; print(s.GetArrayFromImage(s.ReadImage('masks/ring.mha')).sum())"
    plastimatch = int(subprocess.run(["plastimatch/bin/python", "-c", count], capture_output=True, text=True).stdout)
    for _, masks in extract_images(image="ct", mask="rs.dcm", image_export_format="native", write_images=False):
        mirp = int(masks[0].roi.get_voxel_grid().sum())
    return plastimatch, mirp


outer, inner = box(4.6, 5.6, 15.6, 20.6), box(8.6, 9.6, 11.6, 14.6)
keyhole = [*outer, outer[0], inner[0], *inner[:0:-1], inner[0]]
for name, contours, expected in (("two contours", [outer, inner], (330, 300)), ("keyhole", [keyhole], (300, 300))):
    found = voxels(contours)
    print(f"{name.ljust(12)} plastimatch {found[0]}, MIRP {found[1]}")
    assert found == expected
PY
