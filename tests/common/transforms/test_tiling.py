import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from common.transforms import Paird, Tile, Tiled

# settings, grid, size of the plane, slices kept
GRIDS = [
    ({"volume_size": (256, 256, 56), "plane_size": (1024, 3680)}, (4, 14), (1024, 3680), 56),
    ({"volume_size": (256, 256, 200), "plane_size": (1024, 3680), "chop": True}, (4, 14), (1024, 3680), 56),
    ({"volume_size": (256, 256, 200), "plane_size": (1024, 3680), "chop": True, "parts": 2}, (4, 14), (1024, 3680), 56),
    ({"volume_size": (128, 128, 224), "plane_size": (1024, 3680), "parts": 2}, (8, 28), (1024, 3680), 224),
    ({"volume_size": (128, 128, 200), "plane_size": (1024, 3680), "parts": 2}, (8, 28), (1024, 3680), 200),
    ({"volume_size": (128, 128, 64), "plane_size": (1024, 1024)}, (8, 8), (1024, 1024), 64),
    ({"volume_size": (10, 20, 8)}, (4, 2), (40, 40), 8),
    ({"volume_size": (38, 38, 38)}, (6, 7), (228, 266), 38),
    ({"volume_size": (38, 38, 38), "parts": 2}, (6, 7), (228, 266), 38),
    ({"volume_size": (2, 3, 7), "columns": 3}, (3, 3), (6, 9), 7),
    ({"volume_size": (2, 3, 1), "plane_size": (2, 3)}, (1, 1), (2, 3), 1),
    ({"volume_size": (2, 3, 4), "plane_size": (9, 9), "columns": 2}, (2, 2), (9, 9), 4),
]
# slices, settings; tiles of 3×4
LOSSLESS = [
    (1, {}),
    (7, {}),
    (12, {"parts": 3}),
    (7, {"columns": 3}),
    (14, {"columns": 4, "parts": 2}),
    (56, {"plane_size": (13, 59)}),
    (56, {"plane_size": (12, 56), "parts": 2}),
    (54, {"plane_size": (31, 31), "parts": 2, "columns": 6}),
    (38, {"plane_size": (100, 10), "chop": True}),
]

# settings, what the message says
REFUSED = [
    ({"plane_size": (4, 8)}, r"plane of 4×8 holds 2 rows of 2 tiles.* 6 slices of 2×3.*\[6, 6\] or more.*chop: true"),
    ({"plane_size": (4, 9), "parts": 2, "columns": 2}, r"holds 2 rows of 2 tiles.*in 2 part.*\[8, 6\]"),
    ({"plane_size": (4, 8), "columns": 3}, r"no 1 rows of 3 tiles.*\[4, 9\]"),
    ({"plane_size": (4, 2), "chop": True}, r"no 1 rows of 2 tiles.*\[6, 6\] or more, or smaller or fewer slices$"),
    ({"plane_size": (2, 30), "chop": True, "parts": 2}, r"holds no 2 rows of 10 tiles"),
    ({"parts": 4}, "6 slices do not divide into 4 parts; pairs of `z_concat` have 2"),
    ({"columns": 0}, "at least 1"),
    ({"parts": 0}, "at least 1"),
    ({"plane_size": (4, 8, 1)}, r"expected volume_size \(H, W, D\), plane_size \(R, S\)"),
]


def volume(size, *lead):
    return torch.rand(*lead, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize(("settings", "grid", "plane_size", "kept"), GRIDS)
def test_grid(settings, grid, plane_size, kept):
    tile = Tile(**settings)
    assert (tile.grid, tile.plane_size, tile.parts * tile.on_plane) == (grid, plane_size, kept)


@pytest.mark.parametrize("lead", [(1,), (2,), (3, 1)])
@pytest.mark.parametrize(("depth", "settings"), LOSSLESS)
def test_round_trip_is_exact(depth, settings, lead):
    x, tile = volume((3, 4, depth), *lead), Tile((3, 4, depth), **settings)
    plane = tile(x)
    assert plane.shape == (*lead, *tile.plane_size)
    assert torch.equal(tile.untile(plane), x)


def test_worked_by_hand():
    """Five slices of 1×2, voxel 10·slice + column, two columns, on a plane with a row and a column to spare."""
    x = (10 * torch.arange(5.0) + torch.arange(2.0)[:, None])[None, None]
    plane = Tile((1, 2, 5), plane_size=(4, 5))(x)
    assert plane[0].tolist() == [[0, 1, 10, 11, -1], [20, 21, 30, 31, -1], [40, 41, -1, -1, -1], [-1, -1, -1, -1, -1]]


def test_first_axis_down_second_across():
    x = torch.arange(6.0).reshape(1, 2, 3, 1)  # voxel 3·h + w
    assert Tile((2, 3, 1))(x)[0].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("parts", "rows"), [(1, [[0, 1], [2, 10], [11, 12]]), (2, [[0, 1], [2, -1], [10, 11], [12, -1]])]
)
def test_parts_begin_a_row(parts, rows):
    pair = torch.tensor([0.0, 1, 2, 10, 11, 12]).expand(1, 1, 1, 6)  # image, then mask
    assert Tile((1, 1, 6), columns=2, parts=parts)(pair)[0].tolist() == rows


@pytest.mark.parametrize(
    ("parts", "plane", "back"),
    [(1, [[0, 1], [2, 10]], [0, 1, 2, 10, -7, -7]), (2, [[0, 1], [10, 11]], [0, 1, -7, 10, 11, -7])],
)
def test_chopped_slices_come_back_as_fill(parts, plane, back):
    pair = torch.tensor([0.0, 1, 2, 10, 11, 12]).expand(1, 1, 1, 6)
    tile = Tile((1, 1, 6), plane_size=(2, 2), parts=parts, fill=-7, chop=True)
    assert tile(pair)[0].tolist() == plane
    assert tile.untile(tile(pair)).flatten().tolist() == back


def test_chop_leaves_a_plane_with_room_alone():
    x = volume((2, 3, 6), 1)
    settings = {"plane_size": (4, 10), "parts": 2}
    assert torch.equal(Tile((2, 3, 6), chop=True, **settings)(x), Tile((2, 3, 6), **settings)(x))


def test_every_voxel_of_a_volume_has_one_on_the_plane():
    tile = Tile((2, 3, 7), plane_size=(7, 10), fill=0)
    plane = torch.rand(1, *tile.plane_size).requires_grad_()
    tile.untile(plane).sum().backward()
    assert plane.grad.unique().tolist() == [0, 1]
    assert plane.grad.sum() == 2 * 3 * 7
    assert torch.equal(plane.grad, tile(torch.ones(1, 2, 3, 7)))


@pytest.mark.parametrize(("settings", "message"), REFUSED)
def test_refused_settings_say_what_to_change(settings, message):
    with pytest.raises(ValueError, match=message):
        Tile((2, 3, 6), **settings)


@pytest.mark.parametrize(("settings", "size"), [({"plane_size": (4, 8)}, [6, 6]), ({"plane_size": (1, 1)}, [6, 6])])
def test_the_advised_plane_is_taken(settings, size):
    with pytest.raises(ValueError, match=rf"\[{size[0]}, {size[1]}\]"):
        Tile((2, 3, 6), **settings)
    assert Tile((2, 3, 6), plane_size=size).on_plane == 6


@pytest.mark.parametrize("shape", [(1, 2, 3, 5), (2, 3, 6), (1, 3, 2, 6)])
def test_other_volumes_are_refused(shape):
    with pytest.raises(ValueError, match=r"tiling: expected .*\(2, 3, 6\), got"):
        Tile((2, 3, 6))(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(1, 6, 7), (6, 6), (1, 1, 9, 6)])
def test_other_planes_are_refused(shape):
    with pytest.raises(ValueError, match=r"un-tiling: expected .*\(6, 6\), got"):
        Tile((2, 3, 6)).untile(torch.zeros(shape))


def test_dictionary_round_trip_keeps_geometry():
    affine = torch.diag(torch.tensor([3.0, 3, 5, 1], dtype=torch.float64))
    pair = [MetaTensor(volume((4, 5, 6), 1), affine=affine) for _ in range(2)]
    chain = Compose([Paird(), Tiled("pair", (4, 5, 12), plane_size=(20, 17), parts=2)])
    out = chain({"image": pair[0], "label": pair[1], "case_id": "a"})
    assert out["pair"].shape == (1, 20, 17)
    assert torch.equal(out["pair"].affine, affine)
    back = chain.inverse(out)
    assert back["case_id"] == "a"
    for key, expected in zip(("image", "label"), pair, strict=True):
        assert torch.equal(back[key], expected)
        assert torch.equal(back[key].affine, affine)


def test_generated_planes_have_no_trace():
    plane = volume((20, 17), 1)
    out = Tiled(["pred", "other"], (4, 5, 12), plane_size=(20, 17), allow_missing_keys=True).inverse({"pred": plane})
    assert list(out) == ["pred"]
    assert out["pred"].shape == (1, 4, 5, 12)
    assert torch.equal(out["pred"][0, :, :, 4], plane[0, 4:8, 5:10])
