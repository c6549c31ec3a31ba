#!/usr/bin/env bash
# SimpleITK reads a DICOM SEG with two segments without complaint, and everything about it is wrong.
#
# Versions: SimpleITK 2.5.7, highdicom 0.28.2, pydicom 3.0.2.
# Input:    a CT of 8 slices (0.7 x 1.3 x 2 mm) and a SEG by highdicom: segment 1 on the slices at 4, 6 and 8 mm,
#           segment 2 on the one at 6 mm.
# Guess:    either an error that says "not an image", or three slices of 0.7 x 1.3 x 2 mm with labels 1 and 2.
# Came:     the file opens as a volume of four slices of 1 x 1 x 1 mm at 8, 9, 10 and 11 mm, all of whose marks are
#           255: frames are stacked in the order of the file, each segment's after the other's, both as the same
#           label. With one segment alone the geometry is right, but only of the slices that have a mark: where slices
#           between are empty, the spacing is that of the gap (6 mm for marks at 4 and 10 mm).
# Seen:     two segments         (16, 12, 4) slices at [8.0, 9.0, 10.0, 11.0] spacing (1.0, 1.0, 1.0) values [0, 255]
#           one, with a gap      (16, 12, 2) slices at [10.0, 4.0] spacing (1.3, 0.7, 6.0) values [0, 255]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq SimpleITK==2.5.7 pydicom==3.0.2 highdicom==0.28.2 numpy==2.4.6
cd "$work"
venv/bin/python -W ignore - <<'PY'
import highdicom as hd
import numpy as np
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

study, series, frame, ct = generate_uid(), generate_uid(), generate_uid(), []
for k in range(8):
    slice_ = Dataset()
    slice_.file_meta = FileMetaDataset()
    slice_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    slice_.SOPClassUID, slice_.SOPInstanceUID, slice_.Modality = CTImageStorage, generate_uid(), "CT"
    slice_.StudyInstanceUID, slice_.SeriesInstanceUID, slice_.FrameOfReferenceUID = study, series, frame
    slice_.PatientID = slice_.PatientName = slice_.StudyID = "1"
    slice_.PatientBirthDate = slice_.PatientSex = slice_.StudyDate = slice_.StudyTime = slice_.AccessionNumber = ""
    slice_.ReferringPhysicianName = slice_.PositionReferenceIndicator = ""
    slice_.ImagePositionPatient, slice_.ImageOrientationPatient = [-20, -30, 2 * k], [1, 0, 0, 0, 1, 0]
    slice_.PixelSpacing, slice_.SliceThickness, slice_.InstanceNumber = [0.7, 1.3], 2, k + 1
    slice_.Rows, slice_.Columns = 12, 16
    ct.append(slice_)


def read_seg(mask):
    organ, manual = codes.SCT.Organ, hd.seg.SegmentAlgorithmTypeValues.MANUAL
    segments = [hd.seg.SegmentDescription(n, f"organ {n}", organ, organ, manual) for n in range(1, mask.max() + 1)]
    seg = hd.seg.Segmentation(ct, mask, "BINARY", segments, hd.UID(), 2, hd.UID(), 1, "maker", "model", "1", "1")
    seg.save_as("seg.dcm")
    image = sitk.ReadImage("seg.dcm")
    heights = [image.TransformIndexToPhysicalPoint((0, 0, k))[2] for k in range(image.GetSize()[2])]
    values = np.unique(sitk.GetArrayFromImage(image)).tolist()
    print(image.GetSize(), "slices at", heights, "spacing", image.GetSpacing(), "values", values)
    return heights, image.GetSpacing(), values


mask = np.zeros((8, 12, 16), np.uint8)
mask[2:5, 3, 4] = 1
mask[3, 6, 6] = 2
assert read_seg(mask) == ([8, 9, 10, 11], (1, 1, 1), [0, 255])
mask[:] = 0
mask[[2, 5], 3, 4] = 1
assert read_seg(mask) == ([10, 4], (1.3, 0.7, 6), [0, 255])
PY
