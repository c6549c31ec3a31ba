"""Structure sets belong to the series that they are drawn on, and files to the patient of their id."""

import os

from pydicom.uid import generate_uid

from common.data.dicom.inventory import take_inventory
from tests.common.data.dicom.dicom_files import (
    PATIENT,
    block,
    ct_slices,
    rtstruct,
    save,
    save_ct,
    save_rtstruct,
    save_slices,
)


def test_a_set_that_lists_series_belongs_to_the_one_that_its_contours_name(tmp_path):
    slices = save_ct(tmp_path / "a")
    other = save_ct(tmp_path / "b", frame=slices[0].FrameOfReferenceUID)
    data, more = rtstruct(slices, block((5, 6))), rtstruct(other, {})
    listed, further = (
        d.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence
        for d in (data, more)
    )
    listed.extend(further)
    save(data, tmp_path / "rs")
    inventory = take_inventory(tmp_path)
    assert not inventory.faults and len(inventory.series[slices[0].SeriesInstanceUID].files) == 1
    assert not inventory.series[other[0].SeriesInstanceUID].files


def test_contours_that_name_strange_images_leave_the_series_to_be_found(tmp_path):
    slices = save_ct(tmp_path / "a")
    data = rtstruct(slices, block((5, 6)))
    for contour in data.ROIContourSequence[0].ContourSequence:  # as where an archive has given images new UIDs
        contour.ContourImageSequence[0].ReferencedSOPInstanceUID = generate_uid()
    save(data, tmp_path / "rs")
    assert len(take_inventory(tmp_path).series[slices[0].SeriesInstanceUID].files) == 1


def test_one_patient_is_one_however_the_id_is_typed_and_with_or_without_issuer(tmp_path):
    for number, tags in enumerate(({"PatientID": "mrn7"}, {"PatientID": "MRN7"}, {"IssuerOfPatientID": "Hospital"})):
        slices = save_slices(ct_slices(patient={**PATIENT, "PatientID": "MRN7", **tags}), tmp_path / str(number))
        save_rtstruct(tmp_path / f"rs{number}", slices, block((5, 6)))  # which says no issuer
    inventory = take_inventory(tmp_path)
    assert not inventory.faults and all(drawn.files for drawn in inventory.series.values())
    assert {drawn.patient for drawn in inventory.series.values()} == {"HOSPITAL|MRN7"}


def test_one_id_of_two_issuers_is_two_patients(tmp_path):
    for number in (1, 2):
        save_ct(tmp_path / str(number), patient={**PATIENT, "IssuerOfPatientID": f"Hospital {number}"})
    assert len({drawn.patient for drawn in take_inventory(tmp_path).series.values()}) == 2


def test_folders_that_cannot_be_read_and_links_to_folders_are_told(tmp_path, monkeypatch, caplog):
    save_ct(tmp_path / "in" / "a")
    (tmp_path / "in" / "closed").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "in" / "a")
    scandir = os.scandir

    def may_not(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", may_not)  # root may read everything
    ((patient, fault),) = take_inventory(tmp_path / "in").faults
    assert patient is None and fault.kind == "unreadable folder" and fault.file == str(tmp_path / "in" / "closed")
    assert "1 links to folders are not followed, such as" in caplog.text
