import numpy as np
import pytest
import torch
from PIL import Image

from common.reports.plane_preview import plane_png
from common.transforms import Tile

# plane, window, grey values
PLANES = [
    ([[-1, 0, 1]], (-1, 1), [[0, 128, 255]]),
    ([[-5, -1, 2]], (-1, 1), [[0, 0, 255]]),
    ([[-1024, -212, 600]], (-1024, 600), [[0, 128, 255]]),
    ([[[-1, 1]], [[1, -1]]], (-1, 1), [[0, 255], [255, 0]]),
]


@pytest.mark.parametrize(("plane", "window", "grey"), PLANES)
def test_a_pixel_each_voxel(plane, window, grey, tmp_path):
    path = plane_png(torch.tensor(plane).float(), tmp_path / "new" / "plane.png", window=window)
    with Image.open(path) as png:
        assert (png.format, png.mode) == ("PNG", "L")
        assert np.asarray(png).tolist() == grey
    assert [file.name for file in path.parent.iterdir()] == ["plane.png"]


def test_rows_lie_below_each_other(tmp_path):
    tile = Tile((4, 5, 6), columns=2)
    with Image.open(plane_png(tile(torch.zeros(1, 4, 5, 6)), tmp_path / "plane.png")) as png:
        assert png.size == (2 * 5, 3 * 4)  # across, down


@pytest.mark.parametrize(
    ("plane", "window"),
    [(np.zeros((1, 1, 4, 4)), (-1, 1)), (np.full((4, 4), np.nan), (-1, 1)), (np.zeros((4, 4)), (1, 1))],
)
def test_what_is_no_plane_leaves_no_file(plane, window, tmp_path):
    with pytest.raises(ValueError, match="plane preview: expected finite values"):
        plane_png(plane, tmp_path / "plane.png", window=window)
    assert not list(tmp_path.iterdir())
