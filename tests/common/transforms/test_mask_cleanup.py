import warnings

import pytest
import torch
from monai.data import MetaTensor
from scipy import ndimage

from common.transforms import MaskCleanup, MaskCleanupd, MaskRange


def empty():
    return torch.zeros(1, 12, 12, 12)


def blocks():
    """Label 1: 27 voxels and one alone; label 2: 8 voxels and two corners that touch at a corner."""
    mask = empty()
    mask[0, 1:4, 1:4, 1:4] = 1
    mask[0, 10, 10, 10] = 1
    mask[0, 6:8, 6:8, 6:8] = 2
    mask[0, 1, 8, 1] = mask[0, 2, 9, 2] = 2
    return mask


def shell(label=2):
    """Cube surface of 5³ with 3³ inside."""
    mask = empty()
    mask[0, 2:7, 2:7, 2:7] = label
    mask[0, 3:6, 3:6, 3:6] = 0
    return mask


def counts(mask):
    return torch.bincount(mask.flatten().long(), minlength=3)[1:].tolist()


# options, voxels left of label 1 and 2
PARTS = [
    ({}, [28, 10]),
    ({"min_size": 2}, [27, 8]),
    ({"min_size": 2, "connectivity": 3}, [27, 10]),
    ({"min_size": 8}, [27, 8]),
    ({"min_size": 9}, [27, 0]),
    ({"min_size": 28}, [0, 0]),
    ({"keep_largest": 1}, [27, 8]),
    ({"keep_largest": 2}, [28, 9]),
    ({"keep_largest": 2, "connectivity": 3}, [28, 10]),
    ({"keep_largest": 2, "min_size": 3}, [27, 8]),
    ({"binary": True, "min_size": 9}, [27, 0]),
]


@pytest.mark.parametrize(("binary", "expected"), [(False, [0, 0, 1, 1, 2, 2]), (True, [0, 0, 0, 1, 1, 1])])
def test_generated_values_become_the_nearest_valid_label(binary, expected):
    generated = torch.tensor([-3.0, -0.51, -0.49, 0.49, 0.51, 2.0]).view(1, 1, 1, 6)
    assert MaskCleanup(mask_range=MaskRange(binary=binary))(generated).flatten().tolist() == expected


@pytest.mark.parametrize(("options", "expected"), PARTS)
def test_parts_that_stay(options, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = MaskCleanup(**options)(blocks())
    assert out.dtype == torch.uint8
    assert counts(out) == expected


def test_equals_scipy_on_noise():
    mask = (torch.rand(1, 20, 20, 20, generator=torch.Generator().manual_seed(0)) > 0.7).float()
    parts, _ = ndimage.label(mask[0].numpy())
    sizes = ndimage.sum_labels(mask[0].numpy(), parts, range(parts.max() + 1))
    expected = (sizes >= 5)[parts] & (parts > 0)
    out = MaskCleanup(min_size=5)(mask)
    assert torch.equal(out[0].bool(), torch.from_numpy(expected))
    assert 0 < expected.sum() < mask.sum()


# options, [values in, labels out]
LEVELS = [
    ({}, [[0.49, 0.51, 1.49, 1.51, 2.4], [0, 1, 1, 2, 2]]),
    ({"threshold": 0.2}, [[0.19, 0.21, 1.6], [0, 1, 2]]),
    ({"threshold": 1.0}, [[0.9, 1.1, 1.6], [0, 1, 2]]),
    ({"binary": True}, [[0.49, 0.51, 2.0], [0, 1, 1]]),
    ({"mask_range": MaskRange()}, [[-1, -0.51, -0.49, 0.49, 0.51, 1.2], [0, 0, 1, 1, 2, 2]]),
    ({"mask_range": MaskRange(), "binary": True, "threshold": 1.0}, [[-0.01, 0.0, 0.01, 1], [0, 0, 1, 1]]),
    ({"mask_range": MaskRange(binary=True)}, [[-0.01, 0.01, 1], [0, 1, 1]]),
]


@pytest.mark.parametrize(("options", "levels"), LEVELS)
def test_nearest_label(options, levels):
    values, labels = levels
    out = MaskCleanup(**options)(torch.tensor(values, dtype=torch.float32).reshape(1, 1, 1, -1))
    assert out.flatten().tolist() == labels


def test_hole_is_filled_with_its_label():
    assert counts(MaskCleanup()(shell())) == [0, 98]
    assert counts(MaskCleanup(fill_holes=True)(shell())) == [0, 125]


def test_label_inside_another_survives_the_filling():
    mask = shell()
    mask[0, 4, 4, 4] = 1
    assert counts(MaskCleanup(fill_holes=True)(mask)) == [1, 124]


def test_small_part_of_another_label_becomes_a_filled_hole():
    mask = shell()
    mask[0, 4, 4, 4] = 1
    assert counts(MaskCleanup(fill_holes=True, min_size=2)(mask)) == [0, 125]


def test_open_hole_is_not_filled():
    mask = shell()
    mask[0, 4, 4, 2] = 0
    assert counts(MaskCleanup(fill_holes=True)(mask)) == [0, 97]


@pytest.mark.parametrize(("connectivity", "filled"), [(1, False), (3, True)])
def test_hole_open_at_a_corner_depends_on_connectivity(connectivity, filled):
    mask = shell()
    mask[0, 2, 2, 2] = 0
    out = MaskCleanup(fill_holes=True, connectivity=connectivity)(mask)
    assert counts(out)[1] == (124 if filled else 97)


def test_empty_mask_stays_empty():
    assert counts(MaskCleanup(min_size=5, keep_largest=1, fill_holes=True)(empty())) == [0, 0]


def test_input_is_left_alone():
    mask = blocks()
    MaskCleanup(min_size=9, keep_largest=1, fill_holes=True)(mask)
    assert torch.equal(mask, blocks())


@pytest.mark.parametrize(
    "mask", [torch.zeros(2, 1, 4, 4, 4), torch.zeros(2, 4, 4, 4), torch.full((1, 2, 2, 2), torch.nan)]
)
def test_bad_masks_are_refused(mask):
    with pytest.raises(ValueError, match=r"expected one finite mask \(1, H, W, D\)"):
        MaskCleanup()(mask)


def test_dictionary_keeps_geometry():
    mask = MetaTensor(blocks(), affine=torch.diag(torch.tensor([3.0, 3, 5, 1])))
    out = MaskCleanupd("label", min_size=2)({"label": mask, "image": 1})
    assert counts(out["label"]) == [27, 8]
    assert torch.equal(out["label"].affine, mask.affine)
    assert MaskCleanupd("label", allow_missing_keys=True)({"image": 1}) == {"image": 1}
