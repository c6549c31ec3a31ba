"""Axis by axis, the numbers are those of MONAI's `Spacing`, its affine, its trace and its inverse."""

from itertools import permutations, product

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Spacing

from common.transforms.separable_resample import SeparableResample, _places

# voxel sizes before and after: up, down, both at once, and slices halved, where every second plane is a tie
SIZES = [
    ((0.977, 0.977, 2.5), (1.5, 1.5, 1.5)),
    ((3.906, 3.906, 2.5), (1.5, 1.5, 1.5)),
    ((2, 1, 3), (3, 3, 2)),
    ((1.5, 1.5, 3), (1.5, 1.5, 1.5)),
]
ORIENTATIONS = [(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]


def spacing(pixdim, *, ours, **options):
    """MONAI's transform, by MONAI's resampling or by ours."""
    transform = Spacing(pixdim, **options)
    if ours:
        transform.sp_resample = SeparableResample(**options)
    return transform


def volume(shape, axes, seed=0):
    """Noise of a CT's range; the columns of `axes` are the steps between voxels, mm."""
    rng = np.random.default_rng(seed)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes, rng.normal(0, 100, 3)
    return MetaTensor(torch.as_tensor(rng.integers(-1000, 2000, (2, *shape)).astype(np.float32)), affine=affine)


def is_monais(image, pixdim, **options):
    """Both ways, forth and back; the largest difference."""
    pair = [spacing(pixdim, ours=ours, **options) for ours in (False, True)]
    expected, found = (transform(image.clone()) for transform in pair)
    assert found.shape == expected.shape and found.dtype == expected.dtype == torch.float32
    assert torch.equal(found.affine, expected.affine)
    traces = [dict(each.applied_operations[-1]) for each in (expected, found)]
    for trace in traces:
        trace["extra_info"] = {**trace["extra_info"], "src_affine": trace["extra_info"]["src_affine"].tolist()}
        assert trace.pop("id") and trace.pop("class") in ("SpatialResample", "SeparableResample")
    assert traces[0] == traces[1]
    back = [transform.inverse(each) for transform, each in zip(pair, (expected, found), strict=True)]
    assert back[0].shape == back[1].shape == image.shape and not back[1].applied_operations
    assert torch.equal(back[0].affine, back[1].affine)
    return max(float((found - expected).abs().max()), float((back[1] - back[0]).abs().max()))


@pytest.mark.parametrize(("before", "after"), SIZES)
def test_all_orientations(before, after):
    for number, (order, signs) in enumerate(ORIENTATIONS):
        axes = np.zeros((3, 3))
        axes[list(order), range(3)] = np.multiply(signs, before)
        image = volume(np.random.default_rng(number).integers(4, 12, 3), axes, number)
        assert is_monais(image, after, mode="bilinear") < 3e-4  # HU
        assert is_monais(image, after, mode="nearest") == 0


@pytest.mark.parametrize("shape", [(1, 7, 5), (2, 2, 2), (33, 1, 1), (31, 17, 9)])
def test_odd_shapes(shape):
    image = volume(shape, np.diag([2.0, 1, 3]))
    assert is_monais(image, (1.3, 1.7, 1.1), mode="bilinear") < 3e-4
    assert is_monais(image, (1.3, 1.7, 1.1), mode="nearest") == 0


def test_oblique_volumes_keep_their_axes():
    turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    assert is_monais(volume((9, 8, 7), turn @ np.diag([2.0, 1, 3])), (1.3, 1.7, 1.1), mode="bilinear") < 3e-4


def test_by_hand():
    ramp = MetaTensor(torch.tensor([[[0.0], [10], [30]]]), affine=np.diag([2.0, 1, 1]))
    out = spacing((1, 1), ours=True, mode="bilinear")(ramp)
    assert out[0, :, 0].tolist() == [0, 5, 10, 20, 30]


@pytest.mark.parametrize(
    ("options", "is_ours"),
    [
        ({"mode": "bilinear"}, True),
        ({"mode": "nearest"}, True),
        ({"mode": 3}, False),
        ({"mode": "bilinear", "padding_mode": "zeros"}, False),
        ({"mode": "bilinear", "dtype": torch.float32}, False),
        ({"mode": "bilinear", "align_corners": True}, False),
        ({"mode": "bilinear", "lazy": True}, False),
    ],
)
def test_what_is_not_separable_here_is_monais(options, is_ours, monkeypatch):
    calls = []
    monkeypatch.setattr("common.transforms.separable_resample._places", lambda *a: calls.append(1) or _places(*a))
    spacing((1, 1, 1), ours=True, **options)(volume((5, 6, 7), np.diag([2.0, 2, 2])))
    assert bool(calls) == is_ours


def test_a_grid_turned_against_the_image_is_monais(monkeypatch):
    monkeypatch.delattr("common.transforms.separable_resample._places")
    turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    image = volume((6, 6, 6), turn)
    out = SeparableResample()(image, dst_affine=torch.eye(4), spatial_size=[4, 4, 4])
    assert out.shape == (2, 4, 4, 4)


def test_nothing_is_done_where_nothing_moves(monkeypatch):
    monkeypatch.delattr("common.transforms.separable_resample._places")
    image = volume((6, 6, 6), np.diag([1.5, 1.5, 1.5]))
    assert torch.equal(spacing((1.5, 1.5, 1.5), ours=True)(image), image)


def test_without_a_tracked_affine_it_is_monais():
    image = torch.rand(1, 6, 6, 6)
    with pytest.warns(UserWarning, match="not of type MetaTensor"):
        out = spacing((2, 2, 2), ours=True)(image)
    with pytest.warns(UserWarning, match="not of type MetaTensor"):
        assert torch.equal(torch.as_tensor(out), torch.as_tensor(spacing((2, 2, 2), ours=False)(image)))
