"""DICOM made for tests with pydicom alone: a CT series, and structures on it as RTSTRUCT or SEG."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RTStructureSetStorage, SegmentationStorage, generate_uid

SHAPE = (20, 24, 32)  # slices, rows, columns
PATIENT = {
    "PatientName": "DOE^JANE^Q",
    "PatientID": "MRN0012345",
    "PatientBirthDate": "19510203",
    "PatientSex": "F",
    "AccessionNumber": "ACC998877",
    "ReferringPhysicianName": "WHO^DOCTOR",
    "InstitutionName": "Saint Elsewhere",
    "StudyDate": "20240229",
    "StudyTime": "101112",
    "StudyID": "STUDY4711",
    "StudyDescription": "NECK OF JANE DOE",
    "SeriesDescription": "series of jane",
    "ProtocolName": "protocol of jane",
    "OtherPatientIDs": "OTHER55",
    "PatientAddress": "1 Nowhere Lane",
    "OperatorsName": "OPERATOR^ANNE",
    "StationName": "STATION7",
    "DeviceSerialNumber": "SN424242",
}


def hu_of(shape=SHAPE, seed=0):
    """Half air, half soft tissue, with noise, int16 (slices, rows, columns)."""
    values = np.random.default_rng(seed).integers(-24, 60, shape).astype(np.int16)
    values[:, : shape[1] // 2] -= 1000
    return values


def base(sop_class, modality, **tags):
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = sop_class, generate_uid(), modality
    for name, value in tags.items():
        setattr(data, name, value)
    return data


def save(data, path):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)


def ct_slices(
    shape=SHAPE,
    spacing=(3, 1, 1),
    origin=(-20, -30, 5),
    *,
    hu=None,
    slopes=1.0,
    orientation=(1, 0, 0, 0, 1, 0),
    step=None,
    patient=PATIENT,
    sop_class=CTImageStorage,
    modality="CT",
    study=None,
    frame=None,
):
    """Data sets of a series; spacing of slices, rows, columns; `step` is from slice to slice, mm."""
    hu = hu_of(shape) if hu is None else hu
    series, study, frame = generate_uid(), study or generate_uid(), frame or generate_uid()
    across, down = np.reshape(orientation, (2, 3))
    step = np.cross(across, down) * spacing[0] if step is None else np.array(step)
    slopes = np.broadcast_to(slopes, len(hu))
    slices = []
    for k, (plane, slope) in enumerate(zip(hu, slopes, strict=True)):
        data = base(sop_class, modality, **patient)
        data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = study, series, frame
        data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        data.ImagePositionPatient = [float(x) for x in np.array(origin) + k * step]
        data.ImageOrientationPatient = list(orientation)
        data.PixelSpacing, data.SliceThickness = [float(x) for x in spacing[1:]], float(spacing[0])
        data.InstanceNumber = k + 1
        data.Rows, data.Columns = shape[1:]
        data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 16, 15
        data.RescaleSlope, data.RescaleIntercept, data.RescaleType = float(slope), -1024.0, "HU"
        data.PixelData = np.rint((plane + 1024) / slope).astype(np.uint16).tobytes()
        slices.append(data)
    return slices


def save_slices(slices, folder):
    for number, data in enumerate(slices):
        save(data, Path(folder) / f"{number:03d}.dcm")
    return slices


def save_ct(folder, **options):
    return save_slices(ct_slices(**options), folder)


def _like(data, slices):
    first = slices[0]
    for name in (*PATIENT, "StudyInstanceUID", "FrameOfReferenceUID"):
        if name in first and name not in data:
            setattr(data, name, first[name].value)
    return data


def item(**tags):
    data = Dataset()
    for name, value in tags.items():
        setattr(data, name, value)
    return data


def rtstruct(slices, structures, *, kind="CLOSED_PLANAR", refer=True, **tags):
    """`structures`: name to contours, each a slice's number and points as columns and rows."""
    data = _like(base(RTStructureSetStorage, "RTSTRUCT", SeriesInstanceUID=generate_uid(), **tags), slices)
    first = slices[0]
    images = [item(ReferencedSOPClassUID=s.SOPClassUID, ReferencedSOPInstanceUID=s.SOPInstanceUID) for s in slices]
    series = item(SeriesInstanceUID=first.SeriesInstanceUID, ContourImageSequence=images)
    study = item(ReferencedSOPInstanceUID=first.StudyInstanceUID, RTReferencedSeriesSequence=[series])
    frame = item(FrameOfReferenceUID=first.FrameOfReferenceUID)
    if refer:
        frame.RTReferencedStudySequence = [study]
    data.ReferencedFrameOfReferenceSequence = [frame]
    data.StructureSetLabel = "drawn for jane"
    data.StructureSetROISequence, data.ROIContourSequence, data.RTROIObservationsSequence = [], [], []
    across, down = np.reshape([float(x) for x in first.ImageOrientationPatient], (2, 3))
    rows, columns = (float(x) for x in first.PixelSpacing)
    origin = np.array([float(x) for x in first.ImagePositionPatient])
    step = np.array([float(x) for x in slices[-1].ImagePositionPatient]) - origin
    step /= len(slices) - 1
    for number, (name, contours) in enumerate(structures.items(), 1):
        data.StructureSetROISequence.append(
            item(ROINumber=number, ROIName=name, ReferencedFrameOfReferenceUID=first.FrameOfReferenceUID)
        )
        drawn = []
        for k, points in contours:
            corners = [origin + k * step + x * columns * across + y * rows * down for x, y in points]
            contour = item(ContourGeometricType=kind, NumberOfContourPoints=len(corners))
            if refer:
                contour.ContourImageSequence = [images[min(max(round(k), 0), len(images) - 1)]]
            contour.ContourData = [f"{value:.6f}" for corner in corners for value in corner]
            drawn.append(contour)
        data.ROIContourSequence.append(item(ReferencedROINumber=number, ContourSequence=drawn))
    return data


def save_rtstruct(path, slices, structures, **options):
    save(rtstruct(slices, structures, **options), path)


def seg(slices, masks, *, kind="BINARY", **tags):
    """`masks`: name to voxels (slices, rows, columns); frames of empty slices are left out."""
    data = _like(base(SegmentationStorage, "SEG", SeriesInstanceUID=generate_uid(), **tags), slices)
    data.SegmentationType, data.Rows, data.Columns = kind, slices[0].Rows, slices[0].Columns
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    bits = 1 if kind == "BINARY" else 8
    data.BitsAllocated, data.BitsStored, data.HighBit = bits, bits, bits - 1
    data.ReferencedSeriesSequence = [
        item(
            SeriesInstanceUID=slices[0].SeriesInstanceUID,
            ReferencedInstanceSequence=[
                item(ReferencedSOPClassUID=s.SOPClassUID, ReferencedSOPInstanceUID=s.SOPInstanceUID) for s in slices
            ],
        )
    ]
    data.SegmentSequence = [item(SegmentNumber=n, SegmentLabel=name) for n, name in enumerate(masks, 1)]
    data.SharedFunctionalGroupsSequence = [
        item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=slices[0].ImageOrientationPatient)],
            PixelMeasuresSequence=[item(PixelSpacing=slices[0].PixelSpacing)],
        )
    ]
    frames, planes = [], []
    for number, mask in enumerate(masks.values(), 1):
        for k in np.flatnonzero(mask.any(axis=(1, 2))):
            position = item(ImagePositionPatient=slices[k].ImagePositionPatient)
            frame = item(PlanePositionSequence=[position])
            frame.SegmentIdentificationSequence = [item(ReferencedSegmentNumber=number)]
            frames.append(frame)
            planes.append(mask[k])
    data.PerFrameFunctionalGroupsSequence = frames
    data.NumberOfFrames = len(frames)
    stack = np.array(planes)
    pixels = np.packbits(stack.ravel(), bitorder="little") if bits == 1 else stack.astype(np.uint8) * 255
    raw = pixels.tobytes()
    data.PixelData = raw + b"\0" * (len(raw) % 2)
    return data


def save_seg(path, slices, masks, **options):
    save(seg(slices, masks, **options), path)


def box(left, top, right, bottom):
    """Corners, columns and rows."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def block(k, name="GTVp"):
    """A structure of 3 x 4 voxels on the slices `k`: columns 4-6, rows 14-17."""
    return {name: [(number, box(3.6, 13.6, 6.4, 17.4)) for number in k]}


def block_mask(k, shape=SHAPE):
    mask = np.zeros(shape, bool)
    mask[list(k), 14:18, 4:7] = True
    return mask


def identifiers_of(folder):
    """All that the input says: names of folders and files, and texts of headers that are no terms of the standard."""
    found = {part for path in folder.rglob("*") for part in (path.name, path.stem) if len(part) > 5}
    for path in folder.rglob("*"):
        try:
            data = dcmread(path, stop_before_pixels=True) if path.is_file() else []
        except InvalidDicomError:
            continue
        for element in data.iterall() if data else ():
            if element.VR in ("PN", "LO", "SH", "DA", "TM", "ST", "LT", "UI", "AE") and len(str(element.value)) > 4:
                found.add(str(element.value))
    standard = {value for value in found if value.startswith("1.2.840.10008.")}
    return found - standard - {"images", "labels"}


def said_in(folder, identifiers):
    """Files below a folder, with the identifiers that their name or content holds; archives and gzip are unpacked."""
    found = {}
    for path in (path for path in folder.rglob("*") if path.is_file()):
        data = [path.read_bytes()]
        if path.suffix == ".gz":
            data = [gzip.decompress(data[0])]
        elif zipfile.is_zipfile(path):  # model.pt is one
            with zipfile.ZipFile(path) as archive:
                data = [archive.read(name) for name in archive.namelist()]
        name = str(path.relative_to(folder))
        said = [text for text in identifiers if text in name or any(text.encode() in part for part in data)]
        found |= {name: said} if said else {}
    return found
