import numpy as np
import pytest

from common.phantom.canvas import Canvas
from common.phantom.generate import load_parameters
from common.phantom.scanner import scan, scan_grid
from common.phantom.shapes import Ellipsoid

CENTRES = ["MDA", "CHUP", "CHUS", "CHUM", "HGJ", "CHUV", "HMR"]
SIZE = (48, 48, 24)


@pytest.fixture(scope="module")
def parameters():
    return load_parameters()


def water_scan(parameters, name, *, fillings=(), noise=None, seed=0):
    """A ball of water of 80 mm in the middle of the field, as the centre's scanner sees it."""
    centre = dict(parameters["centres"][name])
    if noise is not None:
        centre["noise"] = noise
    grid = scan_grid(centre, SIZE, (0, 0, 0))
    canvas = Canvas(grid, fine=2.5, warp=lambda axes: np.meshgrid(*axes, indexing="ij"))
    canvas.depth = Ellipsoid((0, 0, 0), (80, 80, 80)).distance(*canvas.coordinates)
    canvas.hu[canvas.depth < 0] = 0
    return scan(np.random.default_rng(seed), canvas, list(fillings), centre, parameters)


def inner(image):
    return image[18:30, 18:30, 9:15].astype(float)


@pytest.mark.parametrize("name", CENTRES)
def test_water_is_zero_and_noise_has_the_level_of_the_centre(parameters, name):
    image = water_scan(parameters, name)
    assert abs(inner(image).mean()) < 3
    assert inner(image).std() == pytest.approx(parameters["centres"][name]["noise"], rel=0.2)


@pytest.mark.parametrize("name", CENTRES)
def test_corners_hold_the_padding_and_nothing_else_lies_below_air(parameters, name):
    image = water_scan(parameters, name)
    pad = parameters["centres"][name]["pad"]
    assert (image[0, 0] == pad).all()
    assert image[image != pad].min() >= -1024
    assert image.max() <= parameters["centres"][name]["top"]
    assert image.dtype == np.int16


def test_spacing_is_the_field_over_the_voxels_and_the_field_does_not_depend_on_them(parameters):
    centre = parameters["centres"]["CHUV"]
    small, large = (scan_grid(centre, size, (0, -10, -22)) for size in ((64, 64, 32), (128, 128, 64)))
    assert small.spacing == (260 / 64, 260 / 64, 230 / 32)
    borders = [
        [(axis[0] - s / 2, axis[-1] + s / 2) for axis, s in zip(grid.axes(), grid.spacing, strict=True)]
        for grid in (small, large)
    ]
    np.testing.assert_allclose(borders[0], borders[1], atol=1e-3)
    np.testing.assert_allclose(borders[0], [(-130, 130), (-140, 120), (-137, 93)], atol=1e-3)


def test_noise_is_correlated_in_the_plane(parameters):
    values = inner(water_scan(parameters, "CHUP"))
    neighbours = np.corrcoef(values[1:].ravel(), values[:-1].ravel())[0, 1]
    assert 0.2 < neighbours < 0.8


def test_table_lies_behind_the_patient_only(parameters):
    image = water_scan(parameters, "MDA", noise=0)
    columns = image[20:28, :, 12].max(0)
    first = int(np.argmax(columns > -500))  # the ball's back
    assert columns[:first].max() > -950
    assert image[20:28, 45:, 12].max() <= -990


def test_sharp_kernel_overshoots_and_smooth_one_does_not(parameters):
    sharp, smooth = (water_scan(parameters, name, noise=0) for name in ("CHUP", "CHUS"))
    assert inner(sharp).std() < 1
    assert sharp[:, 20:30, 12].max() >= 10
    assert smooth[:, 20:30, 12].max() <= 1


def test_metal_is_cut_at_the_maximum_and_sends_streaks_through_its_slices_only(parameters):
    clean = water_scan(parameters, "CHUS", noise=0).astype(int)
    metal = water_scan(parameters, "CHUS", noise=0, fillings=[np.array([10.0, 5.0, 0.0])]).astype(int)
    changed = np.abs(metal - clean)
    assert clean.max() + 400 < metal.max() <= 2976
    assert changed[:, :, 11:13].max((0, 1)).min() > 300
    assert changed[:, :, [0, 1, 22, 23]].max() == 0
    assert (metal < clean - 30).any()


def test_filling_outside_the_scan_changes_nothing(parameters):
    far = water_scan(parameters, "HGJ", fillings=[np.array([0.0, 0.0, 900.0])])
    np.testing.assert_array_equal(far, water_scan(parameters, "HGJ"))


def test_table_of_centres_follows_the_thesis(parameters):
    shares = {name: row["share"] for name, row in parameters["centres"].items()}
    assert shares == {"MDA": 198, "CHUP": 72, "CHUS": 72, "CHUM": 56, "HGJ": 55, "CHUV": 53, "HMR": 18}
    assert sum(shares.values()) == 524
    settings = {tuple(sorted((k, str(v)) for k, v in row.items())) for row in parameters["centres"].values()}
    assert len(settings) == 7
