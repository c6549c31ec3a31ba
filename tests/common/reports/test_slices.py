import matplotlib.image
import numpy as np
import pytest
import torch

from common.reports.slices import montage, orthogonal_slices, pair_grid

SIZE = (6, 8, 10)


def coordinates():
    """Volume whose value tells the voxel: 100·x + 10·y + z, in RAS."""
    x, y, z = np.indices(SIZE)
    return 100 * x + 10 * y + z


def mask_at(*index):
    mask = np.zeros(SIZE, np.uint8)
    mask[index] = 1
    return mask


# plane, voxel at the top left, top right, bottom left as (x, y, z); None is the slice's own
CORNERS = [
    ("axial", (5, 7, None), (0, 7, None), (5, 0, None)),
    ("coronal", (5, None, 9), (0, None, 9), (5, None, 0)),
    ("sagittal", (None, 7, 9), (None, 0, 9), (None, 7, 0)),
]


def value(corner, index):
    x, y, z = (index if axis is None else axis for axis in corner)
    return 100 * x + 10 * y + z


@pytest.mark.parametrize(("number", "corners"), list(enumerate(CORNERS)))
def test_radiological_convention(number, corners):
    plane, *voxels = corners
    view = orthogonal_slices(coordinates())[number]
    assert view.plane == plane
    shown = [view.image[0, 0], view.image[0, -1], view.image[-1, 0]]
    assert shown == [value(voxel, view.index) for voxel in voxels]


def test_middle_without_mask():
    assert [view.index for view in orthogonal_slices(coordinates())] == [5, 4, 3]
    assert [view.index for view in orthogonal_slices(coordinates(), np.zeros(SIZE))] == [5, 4, 3]


def test_largest_slice_of_the_mask():
    mask = mask_at(slice(0, 3), 1, 8) + mask_at(0, slice(1, 4), 2)
    mask[0, 1:5, 2:4] = 2
    views = orthogonal_slices(coordinates(), mask)
    assert [(view.plane, view.index) for view in views] == [("axial", 2), ("coronal", 1), ("sagittal", 0)]


def test_mask_lies_on_its_voxels():
    mask = mask_at(1, 2, 3)
    for view in orthogonal_slices(coordinates(), mask):
        assert view.image[view.mask > 0].tolist() == [123]


def test_size_in_mm():
    sizes = [view.size for view in orthogonal_slices(coordinates(), spacing=(1, 2, 5))]
    assert sizes == [(16, 6), (50, 6), (50, 16)]


def test_takes_tensors_with_a_channel():
    views = orthogonal_slices(torch.as_tensor(coordinates())[None], torch.as_tensor(mask_at(1, 2, 3))[None])
    assert [view.index for view in views] == [3, 2, 1]


@pytest.mark.parametrize("shape", [(2, 6, 8, 10), (6, 8), (1, 1, 6, 8, 10)])
def test_more_than_one_volume_is_refused(shape):
    with pytest.raises(ValueError, match="expected one volume"):
        orthogonal_slices(np.zeros(shape))


def test_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"image \(6, 8, 10\) and mask \(6, 8, 9\)"):
        orthogonal_slices(coordinates(), np.zeros((6, 8, 9)))


def pairs(count=2, label=1):
    image = np.full((20, 20, 20), -1000.0)
    image[4:16, 4:16, 4:16] = 40
    mask = np.zeros((20, 20, 20), np.uint8)
    mask[8:12, 8:12, 8:12] = label
    return [image] * count, [mask] * count


def coloured(picture):
    return (np.ptp(picture[..., :3], axis=-1) > 0.3).sum()


def test_grid_shows_the_mask_in_colour_beside_the_plain_image(tmp_path):
    images, masks = pairs()
    picture = matplotlib.image.imread(pair_grid(images, masks, path=tmp_path / "grid.png", names=["a", "b"]))
    assert picture.shape[1] == 16 * 120
    panels = picture[40:-60]  # without headings and legend
    assert coloured(panels) > 500
    plain = matplotlib.image.imread(pair_grid(images, path=tmp_path / "plain.png"))
    assert coloured(plain) == 0
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["grid.png", "plain.png"]


def test_grid_is_the_same_each_time(tmp_path):
    images, masks = pairs(1)
    files = [pair_grid(images, masks, path=tmp_path / name) for name in ("a.png", "b.png")]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(("spacing", "ratio"), [((1, 1, 1), 1.0), ((1, 1, 2), 2.0), ((2, 1, 1), 0.5)])
def test_aspect_follows_the_spacing(tmp_path, spacing, ratio):
    """The bright cube is as high as wide, in mm, in the coronal view."""
    images, _ = pairs(1)
    picture = matplotlib.image.imread(pair_grid(images, path=tmp_path / "a.png", spacing=spacing, window=(-200, 0)))
    bright = picture[40:, :, 0] > 0.95
    width = picture.shape[1] * np.array([spacing[0], spacing[0], spacing[1]]) / (2 * spacing[0] + spacing[1])
    coronal = bright[:, int(width[0]) : int(width[0] + width[1])]
    height, across = np.ptp(np.argwhere(coronal), axis=0)
    assert height / across == pytest.approx(ratio, rel=0.05)


def test_one_scale_for_all_rows(tmp_path):
    """Axial views of 40 × 20 mm, then of 20 × 20 mm in a panel of 40 × 40 mm: the second is half as wide."""
    images, _ = pairs(2)
    path = pair_grid(images, path=tmp_path / "a.png", spacing=[(2, 1, 1), (1, 1, 2)], window=(-200, 0))
    bright = matplotlib.image.imread(path)[40:, 40:700, 0] > 0.95
    middle = 40 * len(bright) // 120
    widths = [np.ptp(np.flatnonzero(half.any(0))) for half in (bright[:middle], bright[middle:])]
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"masks": []}, "2 images, but 0 masks"),
        ({"names": ["a"]}, "2 images, but 1 names"),
        ({"spacing": [(1, 1, 1)] * 3}, "2 images, but 3 spacings"),
    ],
)
def test_unequal_counts_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        pair_grid(pairs()[0], **options, path=tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_nothing_to_show_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no image"):
        pair_grid([], path=tmp_path / "a.png")


def test_montage_has_every_slice_from_the_head_down(tmp_path):
    """Slices that get brighter towards the feet, 3 in a row."""
    volume = np.broadcast_to(np.arange(7, 0, -1.0), (10, 10, 7))
    path = montage(volume, path=tmp_path / "m.png", window=(0, 7), columns=3, width=3)
    picture = matplotlib.image.imread(path)[..., 0]
    assert picture.shape == (360, 360)
    tiles = picture.reshape(3, 120, 3, 120)[:, 60, :, 60].flatten()
    np.testing.assert_allclose(tiles[:7], np.arange(1, 8) / 7, atol=0.02)
    assert tiles[7:].tolist() == pytest.approx([1 / 7] * 2, abs=0.02)


def test_montage_with_mask_and_spacing(tmp_path):
    images, masks = pairs(1, label=2)
    path = montage(images[0], masks[0], path=tmp_path / "m.png", spacing=(1, 2, 3), columns=5, width=4)
    picture = matplotlib.image.imread(path)
    assert picture.shape[:2] == (4 * 120 * 2 * 4 // 5, 480)
    assert coloured(picture) > 100
