"""Finds the DICOM files below a folder, whatever their names and nesting, and reads what their headers say."""

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID, MediaStorageDirectoryStorage

from ...progress import Progress
from .fault import DicomFault

logger = logging.getLogger(__name__)
_DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
_TAGS = [
    *("SOPClassUID", "SOPInstanceUID", "Modality", "PatientID", "IssuerOfPatientID", "StudyInstanceUID"),
    *("SeriesInstanceUID", "FrameOfReferenceUID", "InstitutionName", "ImageType", "Rows", "Columns"),
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept"),
    *("RescaleType", "NumberOfFrames", "BitsAllocated", "SamplesPerPixel", "AcquisitionNumber"),
]


@dataclass(frozen=True, slots=True)
class Header:
    """What is read of a file before anything else; numbers that are missing are None.

    Attributes:
        path: Of the file.
        sop_class, instance, modality, study, series, frame: As in DICOM; frame is the frame of reference.
        patient: Issuer and id, in capitals, for the same id is typed in both ways; the study where the id is empty.
        institution: Its name.
        image_type: ORIGINAL, PRIMARY, AXIAL, ….
        size: Rows and columns.
        position, orientation, spacing: Of an image, mm; spacing is that of rows, then of columns.
        rescale: Slope and intercept.
        units: Of rescaled values.
        frames: In the file.
        pixel_bytes: That the file must have, or 0 where they are compressed or there are none.
    """

    path: Path
    sop_class: UID
    instance: str
    modality: str
    patient: str
    study: str
    series: str
    frame: str
    institution: str
    image_type: tuple[str, ...]
    size: tuple[int, int]
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    rescale: tuple[float, float] | None
    units: str
    frames: int
    pixel_bytes: int


@dataclass(frozen=True)
class Found:
    """Headers, in the order of paths, and files that are DICOM by their name or content and cannot be read."""

    headers: list[Header]
    faults: list[DicomFault]


def find_dicom(folder: Path, *, workers: int = 2) -> Found:
    """Headers of all DICOM files in and below a folder; links to folders are told of and not followed.

    Hidden files are not read. A folder that may not be read is a fault, as its files would be missing in silence.

    Raises:
        FileNotFoundError: There is no such folder, or no DICOM file in it.
    """
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} is not a folder: expected one with DICOM files below it; name another --input"
        )
    headers, others = list[Header](), 0
    faults, links = list[DicomFault](), list[str]()
    paths = list(_files(folder, faults, links))
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for result in Progress(pool.map(_read_or_fault, paths), "reading headers", len(paths)):
            if isinstance(result, Header):
                headers.append(result)
            elif result is None:
                others += 1
            else:
                faults.append(result)
    if not headers and not faults:
        raise FileNotFoundError(
            f"{folder} holds no DICOM file among its {len(paths)}: expected CT series with RTSTRUCT or SEG, in any "
            "nesting; unpack archives, or name another --input"
        )
    if others:
        logger.info("%s: %d files are no DICOM, not read", folder, others)
    if links:
        logger.warning(
            "%d links to folders are not followed, such as %s: name where they lead to", len(links), links[0]
        )
    return Found(headers, faults)


def _files(folder: Path, faults: list[DicomFault], links: list[str]) -> Iterator[Path]:
    """Files in and below a folder; folders that may not be read, and links to folders, are added to the lists."""

    def closed(error: OSError) -> None:
        found, remedy = f"{type(error).__name__}: {error.strerror}", "ask for the right to read it, or move it away"
        expected = "a folder that may be read"
        faults.append(DicomFault("unreadable folder", error.filename, found=found, expected=expected, remedy=remedy))

    for root, folders, names in os.walk(folder, onerror=closed):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links += [str(Path(root, name)) for name in folders if Path(root, name).is_symlink()]
        yield from (Path(root, name) for name in sorted(names) if not name.startswith("."))


def _read_or_fault(path: Path) -> Header | DicomFault | None:
    try:
        return read_header(path)
    except DicomFault as fault:
        return fault


def read_header(path: Path) -> Header | None:
    """The header of a file; None where it is no DICOM, or only a directory of other files.

    Raises:
        DicomFault: It should be DICOM, and cannot be read.
    """
    remedy = "copy or export it again, or move it away"
    try:
        with path.open("rb") as file:
            data = dcmread(file, stop_before_pixels=True, specific_tags=list(_TAGS))
            left = path.stat().st_size - file.tell() - 8  # after the tag and length of the pixels
        if data.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
            return None
        header = _header(path, data)
    except InvalidDicomError as error:
        if path.suffix.lower() not in _DICOM_SUFFIXES:
            return None
        found = "no DICOM file, in spite of its name"
        raise DicomFault("unreadable file", path, found=found, expected="DICOM", remedy=remedy) from error
    except (OSError, EOFError, ValueError, AttributeError, TypeError, KeyError, NotImplementedError) as error:
        found = f"{type(error).__name__}: {error}".splitlines()[0][:100]
        raise DicomFault("unreadable file", path, found=found, expected="a whole DICOM file", remedy=remedy) from error
    if not header.series or not header.instance:
        found = "no SeriesInstanceUID or SOPInstanceUID"
        raise DicomFault("unreadable file", path, found=found, expected="both UIDs", remedy=remedy)
    if header.pixel_bytes and left < header.pixel_bytes:
        found, expected = f"{max(left, 0)} bytes of pixels", f"{header.pixel_bytes}, as its header says"
        raise DicomFault("unreadable file", path, found=found, expected=expected, remedy=remedy)
    return header


def _header(path: Path, data: FileDataset) -> Header:
    text = {tag: str(data.get(tag) or "").strip() for tag in _TAGS}
    size = int(data.get("Rows") or 0), int(data.get("Columns") or 0)
    frames = int(data.get("NumberOfFrames") or 1)
    samples = int(data.get("SamplesPerPixel") or 1)
    syntax = UID(str(data.file_meta.get("TransferSyntaxUID", "1.2.840.10008.1.2")))
    plain = not (syntax.is_encapsulated or syntax.is_deflated)
    slope, intercept = data.get("RescaleSlope"), data.get("RescaleIntercept")
    return Header(
        path=path,
        sop_class=UID(text["SOPClassUID"]),
        instance=text["SOPInstanceUID"],
        modality=text["Modality"],
        patient="|".join([text["IssuerOfPatientID"], text["PatientID"]]).upper()
        if text["PatientID"]
        else text["StudyInstanceUID"],
        study=text["StudyInstanceUID"],
        series=text["SeriesInstanceUID"],
        frame=text["FrameOfReferenceUID"],
        institution=text["InstitutionName"],
        image_type=tuple(str(word).upper() for word in _items(data.get("ImageType"))),
        size=size,
        position=_numbers(data.get("ImagePositionPatient"), 3),
        orientation=_numbers(data.get("ImageOrientationPatient"), 6),
        spacing=_numbers(data.get("PixelSpacing"), 2),
        rescale=None if slope is None or intercept is None else (float(slope), float(intercept)),
        units=text["RescaleType"].upper(),
        frames=frames,
        pixel_bytes=size[0] * size[1] * frames * samples * int(data.get("BitsAllocated") or 0) // 8 if plain else 0,
    )


def _items(value: Any) -> Sequence[Any]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _numbers(value: Any, count: int) -> tuple[float, ...] | None:
    numbers = tuple(float(item) for item in _items(value) if item not in ("", None))
    return numbers if len(numbers) == count else None
