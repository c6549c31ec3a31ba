"""What the headers of all exported DICOM say of where a case comes from: nowhere a patient, everywhere a machine."""

import re
from dataclasses import dataclass

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from ... import __version__

MANUFACTURER = "Synthetic CT pairs, MONAI bundles"
_LONGEST = 64  # characters of an id


@dataclass(frozen=True)
class Origin:
    """Of a case.

    Attributes:
        case_id, patient: In the data list or set.
        synthetic: Whether a generator drew it.
        model, version, serial: The generator's bundle, its version, and the beginning of its checkpoint's hash.
        key: Text that all UIDs follow from.
    """

    case_id: str
    patient: str
    synthetic: bool
    model: str
    version: str
    serial: str
    key: str

    def uid(self, what: str) -> UID:
        """New, and the same for the same files."""
        return generate_uid(entropy_srcs=[self.key, what])

    @property
    def kind(self) -> str:
        """In a word, as descriptions begin."""
        return "SYNTHETIC" if self.synthetic else "CONVERTED"

    @property
    def derivation(self) -> str:
        """How the images came about."""
        if not self.synthetic:
            return "Converted from a NIfTI file; header made anew, nothing of the original one is in it"
        return f"SYNTHETIC: drawn by the generator {self.model} {self.version}, checkpoint {self.serial}; no patient"


def as_text(words: str) -> str:
    """As DICOM holds it: 64 characters, without the backslash, which would part it into several values."""
    return re.sub(r"[\\\x00-\x1f]", "/", words)[:_LONGEST]


def base_dataset(sop_class: UID, modality: str, origin: Origin, *, series: str, number: int, instance: str) -> Dataset:
    """A data set with patient, study, series, equipment and origin; `series` is its description, too."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID, data.SOPInstanceUID = sop_class, origin.uid(instance)
    data.PatientName = as_text(f"{origin.kind.title()}^{re.sub('[=^]', ' ', origin.case_id)}")
    data.PatientID = as_text(origin.patient)
    data.PatientBirthDate = data.PatientSex = ""
    data.StudyInstanceUID, data.SeriesInstanceUID = origin.uid("study"), origin.uid(series)
    data.FrameOfReferenceUID, data.PositionReferenceIndicator = origin.uid("frame"), ""
    data.StudyDate = data.StudyTime = data.ReferringPhysicianName = data.AccessionNumber = ""
    data.StudyID = "1"
    data.Modality, data.SeriesNumber = modality, number
    data.SeriesDate = data.SeriesTime = ""
    data.Manufacturer, data.ManufacturerModelName = MANUFACTURER, origin.model
    data.DeviceSerialNumber, data.SoftwareVersions = origin.serial, [origin.version, __version__]
    data.StudyDescription = f"{origin.kind} CT with mask"
    data.SeriesDescription = f"{origin.kind} {series}"
    say_origin(data, origin)
    return data


def say_origin(data: Dataset, origin: Origin) -> None:
    """Put into `data` what says that it is synthetic, or converted, whichever kind of object it is."""
    if origin.synthetic:
        data.SyntheticData = "YES"
    data.PatientIdentityRemoved = "YES"
    data.DeidentificationMethod = "No patient: synthetic" if origin.synthetic else "Header made anew from NIfTI"
    data.PatientComments = "SYNTHETIC: no patient" if origin.synthetic else "Header made anew from NIfTI"
    equipment, purpose = Dataset(), Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = "109102", "DCM", "Processing Equipment"
    equipment.PurposeOfReferenceCodeSequence = [purpose]
    equipment.Manufacturer, equipment.ManufacturerModelName = MANUFACTURER, origin.model
    equipment.SoftwareVersions = [origin.version, __version__]
    equipment.ContributionDescription = origin.derivation
    data.ContributingEquipmentSequence = [equipment]
