from dataclasses import replace

import numpy as np
import pytest

from common.phantom.anatomy import draw_anatomy
from common.phantom.canvas import Canvas, Grid, Tissue
from common.phantom.generate import load_parameters
from common.phantom.patient import draw_patient
from common.phantom.shapes import Ellipsoid

GRID = Grid((112, 112, 120), (2.0, 2.0, 2.0), (-111.0, -121.0, -141.0))


@pytest.fixture(scope="module")
def parameters():
    return load_parameters()


def mean_patient(parameters):
    """The patient in the middle of every range, straight and symmetric, with all teeth and no filling."""
    middle = {name: float(np.mean(span)) for name, span in parameters["patient"].items()}
    middle |= {"asymmetry": 0.0, "fillings": 0.0, "teeth": 1.0, "bone": 1.0}
    spans = {name: (value, value) for name, value in middle.items()}
    return replace(draw_patient(np.random.default_rng(0), {**parameters, "patient": spans}), field_seed=0)


@pytest.fixture(scope="module")
def canvas(parameters):
    return draw_anatomy(GRID, mean_patient(parameters), parameters)


def test_pool_is_the_mean_of_the_samples_of_a_voxel():
    grid = Grid((2, 1, 2), (4.0, 4.0, 6.0), (0.0, 0.0, 0.0))
    canvas = Canvas(grid, fine=2.0, warp=lambda axes: np.meshgrid(*axes, indexing="ij"))
    assert canvas.factors == (2, 2, 3)
    assert canvas.axes[0].tolist() == [-1, 1, 3, 5]
    values = np.arange(4 * 2 * 6, dtype=np.float32).reshape(4, 2, 6)
    expected = [[values[i : i + 2, :, k : k + 3].mean() for k in (0, 3)] for i in (0, 2)]
    np.testing.assert_allclose(canvas.pool(values)[:, 0], expected)


def test_painted_sphere_has_the_volume_of_a_sphere():
    grid = Grid((40, 40, 40), (1.0, 1.0, 1.0), (-19.5, -19.5, -19.5))
    canvas = Canvas(grid, fine=2.0, warp=lambda axes: np.meshgrid(*axes, indexing="ij"))
    canvas.paint(Ellipsoid((0, 0, 0), (12, 12, 12)), Tissue(0))
    assert (canvas.hu + 1000).sum() / 1000 == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.01)
    canvas.paint(Ellipsoid((0, 0, 0), (12, 12, 12)), Tissue(-1000), inset=4)
    assert (canvas.hu + 1000).sum() / 1000 == pytest.approx(4 / 3 * np.pi * (12**3 - 8**3), rel=0.02)


def test_affine_takes_the_voxels_to_the_axes():
    corner = GRID.affine @ [111, 0, 5, 1]
    assert corner.tolist() == [111.0, -121.0, -131.0, 1.0]
    assert [axis[-1] for axis in GRID.axes()] == [111.0, 101.0, 97.0]
