"""A CT series of a volume."""

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage
from pydicom.valuerep import DSfloat

from .dicom_header import Origin, base_dataset


def ct_datasets(hu: np.ndarray, affine: np.ndarray, origin: Origin) -> list[Dataset]:
    """Slices of HU (slices, rows, columns), int16; `affine` takes (column, row, slice) to mm, DICOM's axes."""
    sizes = np.linalg.norm(affine[:3, :3], axis=0)
    across, down = (affine[:3, axis] / sizes[axis] for axis in (0, 1))
    slices = []
    for number, plane in enumerate(hu):
        data = base_dataset(CTImageStorage, "CT", origin, series="CT", number=1, instance=f"slice {number}")
        data.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
        data.InstanceNumber, data.AcquisitionNumber, data.KVP = number + 1, 1, None
        data.Laterality = ""  # asked for where the body part may be one of a pair
        data.ContentDate = data.ContentTime = ""
        data.PatientPosition, data.PatientOrientation = "HFS", ["L", "P"]
        data.DerivationDescription = origin.derivation
        data.ImageComments = origin.derivation
        data.BurnedInAnnotation, data.LossyImageCompression = "NO", "00"
        data.PixelSpacing = _decimals([sizes[1], sizes[0]])
        data.SliceThickness = _decimals([sizes[2]])[0]
        data.ImageOrientationPatient = _decimals([*across, *down])
        data.ImagePositionPatient = _decimals(affine[:3, 2] * number + affine[:3, 3])
        data.Rows, data.Columns = plane.shape
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
        data.RescaleSlope, data.RescaleIntercept, data.RescaleType = 1, 0, "HU"
        data.WindowCenter, data.WindowWidth = 40, 400
        data.PixelData = plane.astype("<i2").tobytes()
        data["PixelData"].VR = "OW"
        slices.append(data)
    return slices


def _decimals(values: np.ndarray | list[float]) -> list[DSfloat]:
    """Numbers in the sixteen characters that DICOM has for them."""
    return [DSfloat(float(value) + 0.0, auto_format=True) for value in values]  # no -0
