"""Contours become the voxels whose centres they hold, or a fault by name."""

import numpy as np
import pytest

from common.data.dicom.ct_series import CtSeries
from common.data.dicom.fault import DicomFault
from common.data.dicom.files import find_dicom
from common.data.dicom.rtstruct import RtStruct
from tests.common.data.dicom.dicom_files import SHAPE, block, block_mask, box, ct_slices, rtstruct, save, save_slices


@pytest.fixture(scope="module")
def ct(tmp_path_factory):
    """A series of voxels of 3, 0.7 and 1.3 mm, with more columns than rows."""
    folder = tmp_path_factory.mktemp("ct")
    slices = save_slices(ct_slices(spacing=(3, 0.7, 1.3)), folder)
    return slices, CtSeries.of(find_dicom(folder).headers)


def drawn(ct, folder, structures, name="GTVp", **options):
    save(rtstruct(ct[0], structures, **options), folder / "rs.dcm")
    return RtStruct(folder / "rs.dcm").mask(name, ct[1])


OUTER, INNER = box(3.6, 4.6, 20.4, 18.4), box(7.6, 8.6, 11.4, 13.4)


def voxels(*corners, k=(5,)):
    """Exclusive or of boxes, as voxels."""
    mask = np.zeros(SHAPE, bool)
    for (left, top), _, (right, bottom), _ in corners:
        mask[np.ix_(k, range(int(top + 1), int(bottom + 1)), range(int(left + 1), int(right + 1)))] ^= True
    return mask


def test_a_block_on_three_slices(ct, tmp_path):
    assert (drawn(ct, tmp_path, block((5, 6, 7))) == block_mask((5, 6, 7))).all()


def test_a_contour_in_another_is_a_hole(ct, tmp_path):
    assert (drawn(ct, tmp_path, {"GTVp": [(5, OUTER), (5, INNER)]}) == voxels(OUTER, INNER)).all()


def test_a_keyhole_is_the_same_hole(ct, tmp_path):
    keyhole = [*OUTER, OUTER[0], INNER[0], *INNER[:0:-1], INNER[0]]
    assert (drawn(ct, tmp_path, {"GTVp": [(5, keyhole)]}) == voxels(OUTER, INNER)).all()


def test_several_contours_of_a_slice_are_all_there(ct, tmp_path):
    parts = [box(1.6, 2.6, 4.4, 5.4), box(20.6, 12.6, 30.4, 22.4)]
    assert (drawn(ct, tmp_path, {"GTVp": [(5, part) for part in parts]}) == voxels(*parts)).all()


def test_one_voxel_is_one_voxel(ct, tmp_path):
    assert np.argwhere(drawn(ct, tmp_path, {"GTVp": [(5, box(15.6, 9.6, 16.4, 10.4))]})).tolist() == [[5, 10, 16]]


def test_a_centre_on_the_contour_belongs_to_it(ct, tmp_path):
    assert drawn(ct, tmp_path, {"GTVp": [(5, box(4, 6, 8, 9))]}).sum() == 5 * 4


def test_what_leaves_the_field_of_view_is_cut(ct, tmp_path):
    mask = drawn(ct, tmp_path, {"GTVp": [(5, box(-4.4, -2.4, 2.4, 3.4))]})
    assert (mask == voxels(box(-0.6, -0.6, 2.4, 3.4))).all()


def test_structures_of_one_name_are_joined_and_others_left_alone(ct, tmp_path):
    data = rtstruct(ct[0], {"GTVp": [(5, OUTER)], "other": [(5, INNER)], "third": [(6, INNER)], "empty": []})
    data.StructureSetROISequence[2].ROIName = " GTVp "
    save(data, tmp_path / "rs.dcm")
    file = RtStruct(tmp_path / "rs.dcm")
    assert file.counts == {"GTVp": 2, "other": 1, "empty": 0}
    assert (file.mask("GTVp", ct[1]) == (voxels(OUTER) | voxels(INNER, k=(6,)))).all()


def test_structures_of_one_name_that_overlap_are_joined(ct, tmp_path):
    left, right = box(3.6, 4.6, 12.4, 18.4), box(8.6, 4.6, 20.4, 18.4)
    data = rtstruct(ct[0], {"GTVp": [(5, left)], "GTVp ": [(5, right)]})
    save(data, tmp_path / "rs.dcm")
    assert (RtStruct(tmp_path / "rs.dcm").mask("GTVp", ct[1]) == (voxels(left) | voxels(right))).all()


def test_a_contour_that_is_written_twice_counts_once(ct, tmp_path):
    turned = [*OUTER[2:], *OUTER[:2]]
    mask = drawn(ct, tmp_path, {"GTVp": [(5, OUTER), (5, INNER), (5, OUTER), (5, turned), (5, OUTER[::-1])]})
    assert (mask == voxels(OUTER, INNER)).all()


CROSSING = [(5, OUTER), (5, box(15.6, 8.6, 25.4, 13.4))]


def test_contours_cross_only_where_the_file_says_what_that_means(ct, tmp_path):
    mask = drawn(ct, tmp_path, {"GTVp": CROSSING}, kind="CLOSEDPLANAR_XOR")
    assert (mask == voxels(*(points for _, points in CROSSING))).all()


def test_contours_that_touch_do_not_cross(ct, tmp_path):
    parts = [box(3, 4, 8, 9), box(8, 4, 12, 9)]  # on centres of voxels, which the edge runs through
    assert drawn(ct, tmp_path, {"GTVp": [(5, part) for part in parts]})[5, 5:9, 4:12].all()


@pytest.mark.parametrize("name,number,found", [("ROIContour", 7, "a structure 7"), ("StructureSetROI", 1, "number 1")])
def test_contours_that_are_of_no_one_structure_are_refused(ct, tmp_path, name, number, found):
    data = rtstruct(ct[0], {"GTVp": [(5, OUTER)], "GTVn": [(5, INNER)]})
    setattr(
        data[f"{name}Sequence"].value[1], "ROINumber" if name == "StructureSetROI" else "ReferencedROINumber", number
    )
    save(data, tmp_path / "rs.dcm")
    with pytest.raises(DicomFault, match=f"contours of no structure: found .*{found}"):
        RtStruct(tmp_path / "rs.dcm")


FAULTS = [
    ({"GTVp": CROSSING}, {}, "contours that cross", "'GTVp' on slice 5 with 25 voxels in both"),
    ({"GTVp": [(k, OUTER) for k in (2, 4, 6, 8, 9)]}, {}, "contours between slices", "on every 2th slice"),
    ({"GTVp": [(5.4, OUTER)]}, {}, "contours between slices", r"a contour of 'GTVp' 0\.4 of a slice beside"),
    ({"GTVp": [(k, OUTER) for k in (2, 4, 6)]}, {}, "contours between slices", "'GTVp' drawn on every 2th slice"),
    ({"GTVp": [(23, OUTER)]}, {}, "contours beside the CT", "a contour of 'GTVp' 4 slices beyond the CT"),
    ({"GTVp": [(-1, OUTER)]}, {}, "contours beside the CT", "a contour of 'GTVp' 1 slices beyond the CT"),
    ({"GTVp": [(5, OUTER)]}, {"kind": "OPEN_PLANAR"}, "open contours", "of the type OPEN_PLANAR"),
    ({"GTVp": [(5, box(40, 40, 50, 50))]}, {}, "structure without a voxel", "1 contours of 'GTVp'"),
    ({"GTVp": [(5, box(4.1, 4.1, 4.9, 4.9))]}, {}, "structure without a voxel", "hold no centre of a voxel"),
]


@pytest.mark.parametrize("structures,options,kind,found", FAULTS, ids=[f"{n}-{f[2]}" for n, f in enumerate(FAULTS)])
def test_what_does_not_lie_on_the_slices_is_refused_by_name(ct, tmp_path, structures, options, kind, found):
    with pytest.raises(DicomFault, match=rf"rs\.dcm: {kind}: found .*{found}"):
        drawn(ct, tmp_path, structures, **options)


@pytest.mark.parametrize(
    "numbers,kind",
    [([0, 0], "unreadable contour"), ([], "unreadable contour"), ([0, 0, 20, 9, 0, 23, 9, 9, 26], "contours across")],
)
def test_contours_that_are_none_are_refused(ct, tmp_path, numbers, kind):
    data = rtstruct(ct[0], {"GTVp": [(5, OUTER)]})
    data.ROIContourSequence[0].ContourSequence[0].ContourData = numbers
    save(data, tmp_path / "rs.dcm")
    with pytest.raises(DicomFault, match=kind):
        RtStruct(tmp_path / "rs.dcm").mask("GTVp", ct[1])
