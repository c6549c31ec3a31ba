"""What a folder of DICOM holds: CT series, the structure files that belong to each, and what belongs to nothing."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
    RTStructureSetStorage,
    SegmentationStorage,
)

from .fault import DicomFault
from .files import Found, Header, find_dicom
from .rtstruct import RtStruct
from .segmentation import Segmentation
from .structures import StructureFile

_CT = (CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage)
_LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"  # Label Map Segmentation Storage
_READERS: dict[str, Callable[[Path], StructureFile]] = {
    RTStructureSetStorage: RtStruct,
    SegmentationStorage: Segmentation,
    _LABEL_MAP: Segmentation,
}


@dataclass(frozen=True)
class DrawnSeries:
    """The files of a CT series, and those that draw structures on it."""

    headers: list[Header]
    files: list[StructureFile] = field(default_factory=list)

    @property
    def patient(self) -> str:
        """Issuer and id."""
        return self.headers[0].patient


@dataclass(frozen=True)
class Inventory:
    """All of a folder.

    Attributes:
        series: CT series by UID, in the order of patients.
        others: Number of files of all other kinds, such as MR.
        faults: What is wrong with single files, with the patient where that is known.
        drawn_elsewhere: Structure files that were drawn on other kinds of images.
    """

    series: dict[str, DrawnSeries]
    others: Counter[str]
    faults: list[tuple[str | None, DicomFault]]
    drawn_elsewhere: int


def take_inventory(folder: Path, *, workers: int = 2) -> Inventory:
    """What lies below a folder; see `find_dicom`."""
    found = find_dicom(folder, workers=workers)
    found = Found(_with_issuers(found.headers), found.faults)
    by_series: dict[str, list[Header]] = defaultdict(list)
    for header in sorted(
        (h for h in found.headers if h.sop_class in _CT), key=lambda h: (h.patient, h.study, h.series)
    ):
        by_series[header.series].append(header)
    series = {uid: DrawnSeries(headers) for uid, headers in by_series.items()}
    others = Counter(h.modality or "unknown" for h in found.headers if h.sop_class not in (*_CT, *_READERS))
    faults: list[tuple[str | None, DicomFault]] = [(None, fault) for fault in found.faults]
    owners, elsewhere = _owners(found), 0
    seen = set()
    for header in found.headers:
        if header.sop_class not in _READERS or header.instance in seen:
            continue
        seen.add(header.instance)  # copies of a file are one
        try:
            file = _READERS[header.sop_class](header.path)
            owner = _owner(file, series, owners)
            if owner is None:
                elsewhere += 1
                continue
            if header.patient != series[owner].patient and "|" in header.patient + series[owner].patient:
                raise DicomFault(
                    *("structures of another patient", file.path),
                    found="a patient id that is not that of the CT it refers to",
                    expected="one patient",
                    remedy="correct the id in the archive, or move the file away",
                )
            series[owner].files.append(file)
        except DicomFault as fault:
            faults.append((header.patient, fault))
    return Inventory(series, others, faults, elsewhere)


def _with_issuers(headers: Sequence[Header]) -> list[Header]:
    """The same, where an id that some files give an issuer, and others none, is one patient's: that of the issuer."""
    named: dict[str, set[str]] = defaultdict(set)
    for header in headers:
        issuer, bar, number = header.patient.partition("|")
        named[number] |= {issuer} if bar and issuer else set()

    def whole(header: Header) -> Header:
        issuers = named[header.patient[1:]] if header.patient.startswith("|") else set()
        return replace(header, patient=f"{min(issuers)}{header.patient}") if len(issuers) == 1 else header

    return [whole(header) for header in headers]


def _owners(found: Found) -> dict[str, Header]:
    """An image of each series, and each image, by its UID."""
    return {uid: h for h in found.headers if h.sop_class not in _READERS for uid in (h.series, h.instance)}


def _owner(file: StructureFile, series: Mapping[str, DrawnSeries], owners: Mapping[str, Header]) -> str | None:
    """UID of the CT series that a file was drawn on; None if it was drawn on images of another kind.

    Raises:
        DicomFault: It refers to nothing that is there, to several series, or to one in another frame of reference.
    """
    named = (file.drawn, file.instances, file.series)  # the most exact of them that is there
    drawn_on = next((hits for uids in named if (hits := {owners[uid].series for uid in uids & owners.keys()})), set())
    on_ct = sorted(drawn_on & series.keys())
    if drawn_on and not on_ct:
        return None
    if not drawn_on and not file.instances and not file.series:
        on_ct = [uid for uid, drawn in series.items() if drawn.headers[0].frame in file.frames]
        if len(on_ct) > 1:
            _refuse(
                file,
                "several series in one frame of reference",
                f"{len(on_ct)} CT series that it may belong to, as it names none",
                "a reference to one series",
                "move the other series away",
            )
    if len(on_ct) > 1:
        found, expected = f"images of {len(on_ct)} CT series", "one series"
        _refuse(
            file, "structures of several series", found, expected, "have one structure set exported for each series"
        )
    if not on_ct:
        found, expected = "references to images that are not in the input", "the CT series that it was drawn on"
        _refuse(file, "structures of another series", found, expected, "add that series, or move the file away")
    frame = series[on_ct[0]].headers[0].frame
    if frame and file.frames and frame not in file.frames:
        found, expected = "a frame of reference that is not that of its CT", "one frame of reference"
        _refuse(file, "another frame of reference", found, expected, "register and export it again, or move it away")
    return on_ct[0]


def _refuse(file: StructureFile, kind: str, found: str, expected: str, remedy: str) -> None:
    raise DicomFault(kind, file.path, found=found, expected=expected, remedy=remedy)


def structure_counts(series: Sequence[DrawnSeries]) -> Counter[str]:
    """Number of CT series that have a structure drawn, by its name."""
    return Counter(
        name for drawn in series for name in {n for file in drawn.files for n, count in file.counts.items() if count}
    )
