"""Slices of a series become a volume, or a fault by name."""

from copy import deepcopy

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import EnhancedCTImageStorage, JPEG2000Lossless, JPEGLSLossless, RLELossless

from common.data.dicom.ct_series import CtSeries
from common.data.dicom.fault import DicomFault
from common.data.dicom.files import find_dicom
from tests.common.data.dicom.dicom_files import SHAPE, ct_slices, hu_of, save_slices


def series_of(folder, slices):
    save_slices(slices, folder)
    return CtSeries.of(find_dicom(folder).headers)


def test_slices_in_any_order_give_hu_and_place(tmp_path):
    slices = ct_slices(spacing=(3, 0.7, 1.3))
    for number, data in enumerate(slices):
        data.InstanceNumber = (7 * number) % 20 + 1  # says nothing of the place
    series = series_of(tmp_path, [slices[k] for k in np.random.default_rng(1).permutation(len(slices))])
    assert (series.read() == hu_of()).all() and series.read().dtype == np.int16
    assert series.affine.tolist() == [[1.3, 0, 0, -20], [0, 0.7, 0, -30], [0, 0, 3, 5], [0, 0, 0, 1]]


def test_a_sagittal_series_is_placed_along_its_own_normal(tmp_path):
    series = series_of(tmp_path, ct_slices(orientation=(0, 1, 0, 0, 0, -1), spacing=(2, 1, 1)))
    assert series.affine[:3].tolist() == [[0, 0, -2, -20], [1, 0, 0, -30], [0, -1, 0, 5]]
    assert (series.read() == hu_of()).all()


def test_each_slice_has_its_own_rescale(tmp_path):
    hu = hu_of() // 4 * 4  # so that 1024 more is a multiple of each slope
    series = series_of(tmp_path, ct_slices(hu=hu, slopes=[1, 0.5, 0.25, 2] * 5))
    assert (series.read() == hu).all()


def test_fractions_of_hu_are_kept(tmp_path):
    slices = ct_slices(hu=np.full(SHAPE, 76, np.int16))
    slices[3].RescaleSlope = 0.501
    values = series_of(tmp_path, slices).read()
    assert values.dtype == np.float32 and values[3, 0, 0] == pytest.approx(1100 * 0.501 - 1024)
    assert (values[:3] == 76).all()


def test_copies_and_localizers_count_once_and_not_at_all(tmp_path):
    slices = ct_slices()
    save_slices(slices[:4], tmp_path / "copy")
    scout = ct_slices(shape=(1, 40, 40), orientation=(1, 0, 0, 0, 0, -1))[0]
    scout.SeriesInstanceUID, scout.ImageType = slices[0].SeriesInstanceUID, ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    save_slices([scout], tmp_path / "scout")
    assert (series_of(tmp_path, slices).read() == hu_of()).all()


def test_a_copy_may_be_written_otherwise_but_holds_the_same_image(tmp_path):
    slices = ct_slices((3, 40, 40))
    (copy,) = ct_like(slices[0], [deepcopy(slices[1])])
    copy.compress(RLELossless, generate_instance_uid=False)
    assert (series_of(tmp_path, [*slices, copy]).read() == hu_of((3, 40, 40))).all()


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_compressed_slices_are_decoded(tmp_path, syntax):
    shape = (3, 40, 40)
    slices = ct_slices(shape)
    for data in slices:
        data.compress(syntax, generate_instance_uid=False)
    assert (series_of(tmp_path, slices).read() == hu_of(shape)).all()


def moved(slices, number, *mm):
    slices[number].ImagePositionPatient = [float(x) for x in np.array(mm) + slices[number].ImagePositionPatient]
    return slices


def changed(slices, number, **tags):
    for name, value in tags.items():
        setattr(slices[number], name, value)
    return slices


def doubled(slices):
    return [*slices, *ct_like(slices[0], ct_slices()[5:6])]


def copied(slices, **tags):
    (copy,) = changed([deepcopy(slices[4])], 0, **tags)
    return [*slices, copy]


def ct_like(first, slices):
    for data in slices:
        data.SeriesInstanceUID, data.StudyInstanceUID = first.SeriesInstanceUID, first.StudyInstanceUID
    return slices


def without(slices, *numbers):
    return [data for number, data in enumerate(slices) if number not in numbers]


def lacking(slices, name):
    del slices[4][name]
    return slices


FAULTS = [
    (lambda s: without(s, 7), "missing slices", "1 missing, the first after 23 mm, where slices are 3 mm apart"),
    (lambda s: without(s, 7, 8, 12), "missing slices", "3 missing, the first after 23 mm"),
    (doubled, "doubled slices", "1 places with two slices, the first at 20 mm"),
    (lambda s: copied(s, PixelData=s[5].PixelData), "different images of one UID", "another place or other values"),
    (lambda s: copied(s, ImagePositionPatient=s[5].ImagePositionPatient), "different images of one UID", "another"),
    (lambda s: copied(s, PatientID="ANON"), "several patients", "two patient ids in one series"),
    (lambda s: [changed([d], 0, SOPInstanceUID="1.2")[0] for d in s], "different images of one UID", "another place"),
    (lambda s: moved(s, 9, 0, 0, 1.2), "uneven spacing", r"slices 1\.8 to 4\.2 mm apart"),
    (lambda s: moved(s, 9, 0.4, 0, 0), "slices out of line", r"a slice 0\.4 mm beside the line"),
    (lambda s: ct_slices(step=(0, 0.8, 3)), "tilted gantry", r"slices that climb at 14\.9° to their normal"),
    (lambda s: changed(s, 4, NumberOfFrames=2, PixelData=s[4].PixelData * 2), "multi-frame CT", "2 frames in one file"),
    (lambda s: changed(s, 4, SOPClassUID=EnhancedCTImageStorage), "multi-frame CT", "Enhanced CT"),
    (lambda s: s[:1], "no volume", "1 slices"),
    (lambda s: lacking(s, "ImagePositionPatient"), "no place", "no position, orientation or pixel spacing"),
    (lambda s: changed(s, 4, PixelSpacing=[0, 1]), "no place", r"a pixel spacing of \(0\.0, 1\.0\)"),
    (lambda s: lacking(s, "RescaleIntercept"), "not HU", "no rescale slope and intercept"),
    (lambda s: changed(s, 4, RescaleType="US"), "not HU", r"values in 'US' \(RescaleType\)"),
    (lambda s: changed(s, 4, PatientID="ANOTHER"), "several patients", "two patient ids in one series"),
    (lambda s: changed(s, 4, PixelSpacing=[1, 1.1]), "slices of several kinds", "pixel spacings"),
    (lambda s: changed(s, 4, ImageOrientationPatient=[1, 0, 0, 0, 0, -1]), "slices of several kinds", "orientations"),
    (lambda s: changed(s, 4, Rows=12, Columns=64), "slices of several kinds", r"rows and columns \(12, 64\)"),
]


@pytest.mark.parametrize(
    "spoil,kind,found", FAULTS, ids=[f"{number}-{fault[1]}" for number, fault in enumerate(FAULTS)]
)
def test_what_is_no_volume_is_refused_by_name(tmp_path, spoil, kind, found):
    with pytest.raises(DicomFault, match=rf"\.dcm: {kind}: found .*{found}.*, expected .+: .+"):
        series_of(tmp_path, spoil(ct_slices()))


def test_a_tilt_of_less_than_a_tenth_of_a_voxel_in_all_is_none(tmp_path):
    assert series_of(tmp_path, ct_slices(step=(0, 0.005, 3))).shape == SHAPE
    with pytest.raises(DicomFault, match="tilted gantry"):
        series_of(tmp_path / "more", ct_slices(step=(0, 0.006, 3)))


def test_pixels_that_cannot_be_decoded_name_the_file_and_the_decoders(tmp_path):
    slices = ct_slices()
    slices[2].file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.80"  # JPEG-LS, and they are not
    slices[2]["PixelData"].VR = "OB"
    slices[2].PixelData = encapsulate([b"nothing of the kind."])
    series = series_of(tmp_path, slices)
    with pytest.raises(DicomFault, match=r"002\.dcm: unreadable pixels: .*requirements-clinic\.txt"):
        series.read()
