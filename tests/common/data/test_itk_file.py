"""MetaImage and NRRD come to the same voxels and place as NIfTI."""

import sys

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from common.data.check import check_case
from common.data.itk_file import read_itk, require_itk
from common.data.nifti_files import image_cases
from common.data.volume_file import ambiguities, mask_like, open_volume
from tests.common.data.pair_files import save_pair

TURNED = (0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0)  # first axis to posterior, second to superior, third to left


def image_of(values, direction=TURNED):
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((0.7, 1.3, 3.0))
    image.SetOrigin((10.0, -20.0, 30.0))
    image.SetDirection(direction)
    return image


@pytest.mark.parametrize("name", ["a.mha", "a.nrrd", "a.NRRD"])
def test_place_and_voxels_are_those_of_the_same_nifti(tmp_path, name):
    values = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6) - 30
    sitk.WriteImage(image_of(values), str(tmp_path / name))
    sitk.WriteImage(image_of(values), str(tmp_path / "a.nii.gz"))
    read, nifti = open_volume(tmp_path / name), nib.load(tmp_path / "a.nii.gz")
    assert (np.asarray(read.dataobj) == values.T).all() and (np.asarray(nifti.dataobj) == values.T).all()
    # in right, anterior, superior: 0.7 mm to the back, 1.3 mm up, 3 mm to the left
    assert read.affine.round(6).tolist() == [[0, 0, -3, -10], [-0.7, 0, 0, 20], [0, 1.3, 0, 30], [0, 0, 0, 1]]
    assert np.allclose(read.affine, nifti.affine, atol=1e-5)
    assert read.get_data_dtype() == np.int16 and ambiguities(tmp_path / name) == []


def test_a_space_that_monais_reader_mirrors_is_read_rightly(tmp_path):
    header = ["NRRD0004", "type: short", "dimension: 3", "space: left-anterior-superior", "sizes: 2 1 1"]
    header += [
        "space directions: (2,0,0) (0,3,0) (0,0,4)",
        "space origin: (10,20,30)",
        "endian: little",
        "encoding: raw",
    ]
    (tmp_path / "a.nrrd").write_bytes("\n".join([*header, "", ""]).encode() + np.array([7, 8], "<i2").tobytes())
    volume = open_volume(tmp_path / "a.nrrd")
    assert volume.affine.tolist() == [[-2, 0, 0, -10], [0, 3, 0, 20], [0, 0, 4, 30], [0, 0, 0, 1]]
    assert np.asarray(volume.dataobj).ravel().tolist() == [7, 8]


def segmentation(path, layers):
    image = (
        image_of(np.zeros((4, 5, 6), np.uint8)) if layers == 1 else sitk.Image((6, 5, 4), sitk.sitkVectorUInt8, layers)
    )
    for number, name in enumerate(["tumour", "node"]):
        image.SetMetaData(f"Segment{number}_Name", name)
        image.SetMetaData(f"Segment{number}_LabelValue", "1")
        image.SetMetaData(f"Segment{number}_Layer", str(number * (layers > 1)))
    sitk.WriteImage(image, str(path))
    return path


def test_overlapping_segments_of_3d_slicer_are_refused_by_name(tmp_path):
    assert read_itk(segmentation(tmp_path / "plain.seg.nrrd", 1)).shape == (6, 5, 4)
    with pytest.raises(ValueError, match=r"b\.seg\.nrrd holds segments that overlap, in 2 layers \(tumour, node\)"):
        read_itk(segmentation(tmp_path / "b.seg.nrrd", 2))


@pytest.mark.parametrize("unit,wrong", [("mm", False), ("cm", True), ("um", True)])
def test_an_nrrd_in_another_unit_is_refused(tmp_path, unit, wrong):
    sitk.WriteImage(image_of(np.zeros((4, 5, 6), np.int16)), str(tmp_path / "a.nrrd"), useCompression=False)
    data = (tmp_path / "a.nrrd").read_bytes()
    units = " ".join([f'"{unit}"'] * 3).encode()
    (tmp_path / "a.nrrd").write_bytes(data.replace(b"\n\n", b"\nspace units: " + units + b"\n\n", 1))
    if not wrong:
        assert read_itk(tmp_path / "a.nrrd").shape == (6, 5, 4)
        return
    for read in (read_itk, require_itk):
        with pytest.raises(ValueError, match=rf"a\.nrrd is measured in {unit}, expected mm"):
            read(tmp_path / "a.nrrd")


def test_what_is_no_volume_is_told(tmp_path):
    sitk.WriteImage(sitk.Image((6, 5, 4), sitk.sitkVectorUInt8, 3), str(tmp_path / "colours.mha"))
    with pytest.raises(ValueError, match=r"colours\.mha holds 3 values a voxel in 3 axes, expected one in 3"):
        read_itk(tmp_path / "colours.mha")
    (tmp_path / "broken.mha").write_bytes(b"ObjectType = Image")
    with pytest.raises(ValueError, match=r"broken\.mha cannot be read \(.+\): copy it again"):
        image_cases(tmp_path / "broken.mha")
    with pytest.raises(FileNotFoundError, match=r"no\.mha"):
        read_itk(tmp_path / "no.mha")


def test_a_missing_library_is_named_with_its_file(tmp_path, monkeypatch):
    sitk.WriteImage(image_of(np.zeros((4, 5, 6), np.uint8)), str(tmp_path / "a.mha"))
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(
        RuntimeError, match=r"a\.mha needs SimpleITK, which is not .*pip install -r requirements-clinic"
    ):
        read_itk(tmp_path / "a.mha")


def test_a_mask_like_an_image_lies_where_it_does(tmp_path):
    sitk.WriteImage(image_of(np.zeros((4, 5, 6), np.int16)), str(tmp_path / "a.mha"))
    nib.save(mask_like(np.ones((6, 5, 4), np.uint8), tmp_path / "a.mha"), tmp_path / "mask.nii.gz")
    assert np.allclose(open_volume(tmp_path / "mask.nii.gz").affine, open_volume(tmp_path / "a.mha").affine)


def test_the_check_reads_them(tmp_path):
    save_pair(tmp_path, "a")
    for place in ("images", "labels"):
        image = sitk.ReadImage(str(tmp_path / place / "a.nii.gz"))
        sitk.WriteImage(image, str(tmp_path / place / "a.nrrd"))
    entry = {"case_id": "a", "image": str(tmp_path / "images/a.nrrd"), "label": str(tmp_path / "labels/a.nrrd")}
    assert check_case(entry) == []
    (tmp_path / "labels/a.nrrd").write_bytes(b"NRRD0004")
    assert [problem.kind for problem in check_case(entry)] == ["unreadable file"]
