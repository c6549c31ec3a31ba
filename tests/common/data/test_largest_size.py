import math

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, LoadImaged, Orientationd, ResizeWithPadOrCropd, Zoomd
from scipy import ndimage

from common.data.largest_size import largest_size

ZOOMS = [0.5, 0.8, 0.97]  # thesis 3.4.1
AFFINE = np.diag([2.0, 2, 3, 1])
PSL = AFFINE[[2, 0, 1, 3]] * [[-1], [-1], [1], [1]]  # neither RAS nor its order of axes


def write(path, shape, affine=AFFINE):
    name = "x".join(map(str, shape)) + ".nii"
    entry = {key: path / f"{key}_{name}" for key in ("image", "label")}
    for file in entry.values():
        nib.save(nib.Nifti1Image(np.zeros(shape, np.uint8), affine), file)
    return entry


def test_largest_of_each_axis(tmp_path):
    entries = [write(tmp_path, shape) for shape in ((20, 31, 12), (33, 20, 10), (7, 8, 19))]
    assert largest_size(entries, zoom=0.5) == (16, 15, 9)
    assert largest_size(entries, zoom=1) == (33, 31, 19)
    assert largest_size(entries[:1], zoom=(0.5, 1, 2)) == (10, 31, 24)


@pytest.mark.parametrize("zoom", [*ZOOMS, 0.3, 154 / 512])
def test_zoomd_rounds_down(zoom):
    """An axis is zoomed on its own, so that a line stands for a volume."""
    for n in (*range(math.ceil(1 / zoom), 160), *range(500, 530)):
        line = Zoomd("image", zoom=zoom, keep_size=False)({"image": torch.zeros(1, n)})["image"]
        assert line.shape == (1, math.floor(n * zoom))


@pytest.mark.parametrize("zoom", ZOOMS)
@pytest.mark.parametrize("shape", [(21, 30, 13), (16, 17, 101)])
def test_equals_the_zoomed_volume_in_ras(zoom, shape, tmp_path):
    entry = write(tmp_path, shape, PSL)
    assert "".join(nib.aff2axcodes(PSL)) == "PSL"
    keys = ["image", "label"]
    chain = Compose(
        [
            LoadImaged(keys, ensure_channel_first=True),
            Orientationd(keys, axcodes="RAS", labels=None),
            Zoomd(keys, zoom=zoom, mode=["area", "nearest-exact"], keep_size=False),
        ]
    )
    out = chain(entry)
    assert out["image"].shape[1:] == out["label"].shape[1:] == largest_size([entry], zoom=zoom)
    assert sorted(out["image"].shape[1:]) == sorted(math.floor(n * zoom) for n in shape)


def test_where_scipy_rounds_differently():
    line = np.zeros(512)
    assert (ndimage.zoom(line, 0.3).size, ndimage.zoom(line, 154 / 512).size) == (154, 154)
    assert [math.floor(512 * zoom) for zoom in (0.3, 154 / 512)] == [153, 154]


def test_smaller_cases_are_padded_with_air(tmp_path):
    entries = [write(tmp_path, (8, 8, 8)), write(tmp_path, (12, 8, 6))]
    size = largest_size(entries, zoom=0.5)
    small = {key: MetaTensor(torch.full((1, 4, 4, 4), 0.5), affine=torch.eye(4)) for key in ("image", "label")}
    out = ResizeWithPadOrCropd(["image", "label"], spatial_size=size, value=-1)(small)
    for volume in out.values():
        assert volume.shape == (1, 6, 4, 4)
        assert volume[0, :, 0, 0].tolist() == [-1, 0.5, 0.5, 0.5, 0.5, -1]


def test_voxels_are_not_read(tmp_path):
    path = tmp_path / "cut.nii"
    nib.save(nib.Nifti1Image(np.zeros((30, 20, 10), np.int16), AFFINE), path)
    path.write_bytes(path.read_bytes()[:400])  # header and a few voxels
    assert largest_size([{"image": path}], zoom=0.5) == (15, 10, 5)


@pytest.mark.parametrize(("zoom", "count"), [(0, 1), (-0.5, 1), (0.5, 0)])
def test_nothing_to_zoom(zoom, count, tmp_path):
    with pytest.raises(ValueError, match=f"expected cases and a zoom over 0, got {count} cases and zoom {zoom}"):
        largest_size([write(tmp_path, (4, 4, 4))][:count], zoom=zoom)


@pytest.mark.parametrize(("shape", "message"), [((8, 8, 8, 2), "expected 3 axes"), ((8, 8, 1), "zoom less")])
def test_unusable_volumes_are_named(shape, message, tmp_path):
    entry = write(tmp_path, shape)
    with pytest.raises(ValueError, match=message) as caught:
        largest_size([entry], zoom=0.5)
    assert str(entry["image"]) in str(caught.value)


@pytest.mark.openkbp
def test_real_cases(openkbp_dir):
    entries = [{"image": file} for file in sorted((openkbp_dir / "images").glob("*.nii.gz"))[:5]]
    assert largest_size(entries, zoom=0.97) == (124, 124, 124)  # of 128³
