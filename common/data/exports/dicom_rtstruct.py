"""An RTSTRUCT of a mask: contours run between the centres of voxels, and so hold exactly those of the mask."""

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import RTStructureSetStorage
from skimage.measure import find_contours

from .dicom_header import Origin, base_dataset

_COLOURS = ([220, 40, 40], [40, 200, 60], [60, 90, 230], [230, 200, 40], [200, 60, 210], [60, 200, 210])


def rtstruct_dataset(slices: Sequence[Dataset], classes: np.ndarray, names: Sequence[str], origin: Origin) -> Dataset:
    """A structure for each of `names`, of the classes 1, 2, … (slices, rows, columns) that lie on `slices`."""
    data = base_dataset(
        RTStructureSetStorage, "RTSTRUCT", origin, series="structures", number=3, instance="structure set"
    )
    data.StructureSetLabel = origin.kind
    data.StructureSetDescription = origin.derivation
    data.StructureSetDate = data.StructureSetTime = ""
    data.ApprovalStatus = "UNAPPROVED"
    data.InstanceNumber = 1
    data.OperatorsName = ""
    data.ReferencedFrameOfReferenceSequence = [_references(slices)]
    data.StructureSetROISequence, data.ROIContourSequence, data.RTROIObservationsSequence = [], [], []
    for number, name in enumerate(names, 1):
        roi, drawn, observation = Dataset(), Dataset(), Dataset()
        roi.ROINumber, roi.ROIName = number, name
        roi.ReferencedFrameOfReferenceUID = slices[0].FrameOfReferenceUID
        roi.ROIGenerationAlgorithm = "AUTOMATIC" if origin.synthetic else ""
        roi.ROIGenerationDescription = origin.derivation[:64]
        drawn.ReferencedROINumber, drawn.ROIDisplayColor = number, _COLOURS[(number - 1) % len(_COLOURS)]
        if contours := [
            _contour(slices[k], points) for k in range(len(slices)) for points in _outlines(classes[k] == number)
        ]:
            drawn.ContourSequence = contours
        observation.ObservationNumber = observation.ReferencedROINumber = number
        observation.RTROIInterpretedType, observation.ROIInterpreter = "", ""
        data.StructureSetROISequence.append(roi)
        data.ROIContourSequence.append(drawn)
        data.RTROIObservationsSequence.append(observation)
    return data


def _outlines(plane: np.ndarray) -> list[np.ndarray]:
    """Closed outlines (n, 2), rows and columns, half way between the voxels of a slice and their neighbours."""
    padded = np.pad(plane, 1).astype(float)
    return [outline[:-1] - 1 for outline in find_contours(padded, 0.5)]


def _contour(data: Dataset, points: np.ndarray) -> Dataset:
    """A contour of points, rows and columns, on a slice."""
    across, down = np.reshape([float(x) for x in data.ImageOrientationPatient], (2, 3))
    rows, columns = (float(size) for size in data.PixelSpacing)
    corner = np.array([float(x) for x in data.ImagePositionPatient])
    places = corner + points[:, :1] * rows * down + points[:, 1:] * columns * across
    image, contour = _image(data), Dataset()
    contour.ContourImageSequence = [image]
    contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", len(places)
    contour.ContourData = [f"{value + 0.0:.6f}"[:16] for value in places.ravel()]
    return contour


def _image(data: Dataset) -> Dataset:
    image = Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    return image


def _references(slices: Sequence[Dataset]) -> Dataset:
    """Frame of reference, study, series and images that the contours are drawn on."""
    frame, study, series = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = slices[0].SeriesInstanceUID
    series.ContourImageSequence = [_image(data) for data in slices]
    study.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"  # retired, and still the one that is asked for
    study.ReferencedSOPInstanceUID = slices[0].StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID = slices[0].FrameOfReferenceUID
    frame.RTReferencedStudySequence = [study]
    return frame
