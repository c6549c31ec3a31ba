"""Frames of a SEG come to the slices that they were drawn on, whatever their order."""

import numpy as np
import pytest

from common.data.dicom.ct_series import CtSeries
from common.data.dicom.fault import DicomFault
from common.data.dicom.files import find_dicom
from common.data.dicom.segmentation import Segmentation
from tests.common.data.dicom.dicom_files import SHAPE, block_mask, ct_slices, save, save_slices, seg


@pytest.fixture(scope="module")
def ct(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ct")
    slices = save_slices(ct_slices(spacing=(3, 0.7, 1.3)), folder)
    return slices, CtSeries.of(find_dicom(folder).headers)


def masks():
    tumour, node = block_mask((5, 6, 9)), np.zeros(SHAPE, bool)
    node[6:8, 20:23, 25:32] = True
    return {"tumour": tumour, "node": node}


def test_each_segment_comes_back_with_its_gaps(ct, tmp_path):
    data = seg(ct[0], masks())
    save(data, tmp_path / "seg.dcm")
    file = Segmentation(tmp_path / "seg.dcm")
    assert file.counts == {"tumour": 3, "node": 2}
    for name, mask in masks().items():
        assert (file.mask(name, ct[1]) == mask).all()


def test_a_label_map_holds_all_segments_in_each_frame(ct, tmp_path):
    union = {"tumour": masks()["tumour"] | masks()["node"], "node": np.zeros(SHAPE, bool)}
    data = seg(ct[0], union, kind="LABELMAP")
    label = np.where(masks()["node"], 2, masks()["tumour"].astype(np.uint8)).astype(np.uint8)
    data.PixelData = label[label.any(axis=(1, 2))].tobytes()
    for frame in data.PerFrameFunctionalGroupsSequence:
        del frame.SegmentIdentificationSequence
    save(data, tmp_path / "seg.dcm")
    file = Segmentation(tmp_path / "seg.dcm")
    assert (file.mask("tumour", ct[1]) == (masks()["tumour"] & ~masks()["node"])).all()
    assert (file.mask("node", ct[1]) == masks()["node"]).all()


def test_probabilities_and_other_grids_are_refused(ct, tmp_path):
    save(seg(ct[0], masks(), kind="FRACTIONAL"), tmp_path / "probabilities.dcm")
    with pytest.raises(DicomFault, match="probabilities: found a SEG of the type FRACTIONAL"):
        Segmentation(tmp_path / "probabilities.dcm").mask("tumour", ct[1])
    data = seg(ct[0], masks())
    frame = data.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0]
    frame.ImagePositionPatient = [-19.8, *frame.ImagePositionPatient[1:]]
    save(data, tmp_path / "moved.dcm")
    with pytest.raises(DicomFault, match=r"another grid: found a frame at \[0\.15, .*6\.0\] voxels"):
        Segmentation(tmp_path / "moved.dcm").mask("tumour", ct[1])
    data = seg(ct[0], masks())
    measures = data.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.PixelSpacing = [0.7, 1.31]
    save(data, tmp_path / "scaled.dcm")
    with pytest.raises(DicomFault, match=r"another grid: found a frame at .* turned or scaled"):
        Segmentation(tmp_path / "scaled.dcm").mask("tumour", ct[1])
