import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import CropForeground
from monai.transforms.utils import generate_spatial_bounding_box

from common.transforms import BodyMask

BODY = (slice(20, 60), slice(24, 56), slice(6, 34))


def ct(size=(80, 80, 40), spacing=(2.0, 2.0, 3.0)):
    """Air with a cuboid of soft tissue; 2, 2, 3 mm."""
    volume = torch.full((1, *size), -1000.0)
    volume[(0, *BODY)] = 40
    return MetaTensor(volume, affine=torch.diag(torch.tensor([*spacing, 1.0])))


def box(mask):
    where = np.argwhere(np.asarray(mask[0]))
    return list(zip(where.min(0).tolist(), (where.max(0) + 1).tolist(), strict=True))


def assert_is_body(mask, tolerance=1):
    found, expected = box(mask), [(axis.start, axis.stop) for axis in BODY]
    np.testing.assert_allclose(found, expected, atol=tolerance)


def with_couch(gap):
    """Two sheets of 4 mm, as wide and long as the scan, `gap` voxels behind the back (back is towards 0)."""
    volume = ct()
    for y in (24 - gap - 2, 24 - gap - 12):
        volume[0, :, y : y + 2] = 200
    return volume


def test_tissue_is_body():
    mask = BodyMask()(ct())
    assert mask.dtype == torch.bool
    assert mask.shape == (1, 80, 80, 40)
    assert_is_body(mask)


@pytest.mark.parametrize("gap", [0, 1, 5])
def test_couch_is_not_body(gap):
    volume = with_couch(gap)
    assert box(volume > -300)[0] == (0, 80)
    assert_is_body(BodyMask()(volume), tolerance=2 if gap == 0 else 1)  # under the back it cannot be told from skin


def test_separate_thick_couch_is_not_body():
    volume = ct()
    volume[0, :, 2:10] = 0
    assert_is_body(BodyMask()(volume))


def test_couch_that_touches_counts_when_sheets_do():
    assert box(BodyMask(thickness=0)(with_couch(0)))[0] == (0, 80)


def test_organ_beyond_the_scanned_region_is_not_body():
    volume = ct()
    volume[0, 36:44, 36:44] = 40  # 16 mm × 16 mm through all slices
    assert_is_body(BodyMask()(volume))
    assert box(BodyMask(min_area=0)(volume))[2] == (0, 40)


def test_scan_that_ends_inside_the_body_keeps_its_end_slices():
    volume = ct()
    volume[0, 20:60, 24:56] = 40
    assert box(BodyMask()(volume))[2] == (0, 40)


def test_scan_of_few_slices_is_not_a_sheet():
    found = box(BodyMask()(ct()[..., 10:12]))
    np.testing.assert_allclose(found, [(20, 60), (24, 56), (0, 2)], atol=1)


def test_spacing_sets_the_scale():
    fine = ct((80, 80, 40), (0.5, 0.5, 0.5))  # body of 20 mm × 16 mm: a finger
    assert not BodyMask()(fine).any()
    assert BodyMask(min_area=200)(fine).any()


def test_plain_tensor_is_taken_as_1_mm():
    assert_is_body(BodyMask(min_area=500)(ct().as_tensor()), tolerance=2)


def test_air_has_no_body():
    assert not BodyMask()(torch.full((1, 20, 20, 20), -1000.0)).any()


def test_is_a_select_fn():
    out = CropForeground(select_fn=BodyMask(), margin=2, allow_smaller=True)(with_couch(0))
    np.testing.assert_allclose(out.shape[1:], [44, 36, 32], atol=2)


@pytest.mark.parametrize("spacing", [(2.0, 2.0, 3.0), (0.9, 0.7, 0.5), (4.0, 5.0, 6.0)])
@pytest.mark.parametrize("margin", [0, 4, (1, 30, 3)])
def test_its_box_is_that_of_monai(spacing, margin):
    volume = ct((81, 79, 41), spacing)
    expected = generate_spatial_bounding_box(volume, BodyMask(), margin=margin, allow_smaller=True)
    assert [side.tolist() for side in BodyMask().box(volume, margin=margin)] == [list(side) for side in expected]


def test_the_box_of_no_body_is_empty():
    air = torch.full((1, 20, 20, 20), -1000, dtype=torch.int16)
    assert [side.tolist() for side in BodyMask().box(air, margin=4)] == [[0, 0, 0], [0, 0, 0]]
