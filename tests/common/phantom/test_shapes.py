import numpy as np
import pytest

from common.phantom.generate import load_parameters
from common.phantom.shapes import Arch, Ellipsoid, ToothRow, Tube, Turned, both_sides, make_shape, smooth_union

SPHERE = Ellipsoid((1, 2, 3), (5, 5, 5))
ROD = Tube([(0, 0, 0), (10, 0, 0)], (2, 4))
ROW = ToothRow(Arch((0, 0), (30, 30), 4, (0, 0), 8), np.array([True, False, True, True]), 0.1)
DISTANCES = [  # shape, point, mm
    (SPHERE, (1, 2, 3 + 5), 0),
    (SPHERE, (1, 2 - 7, 3), 2),
    (SPHERE, (1 + 4, 2, 3), -1),
    (Ellipsoid((0, 0, 0), (5, 10, 20)), (0, 11, 0), 1),
    (Ellipsoid((0, 0, 0), (5, 10, 20)), (0, 0, 10), -10),
    (ROD, (0, 3, 0), 1),
    (ROD, (5, 0, 0), -3),
    (ROD, (5, 0, 5), 2),
    (ROD, (16, 0, 0), 2),
    (Tube([(0, 0, -1), (0, 0, 1)], (2, 2), (1, 3, 1)), (0, 6, 0), 0),
    (Arch((0, 0), (30, 30), 4, (0, 0), 8), (0, 30, 0), -4),
    (Arch((0, 0), (30, 30), 4, (0, 0), 8), (0, 30, 10), 2),
    (Arch((0, 0), (30, 30), 4, (-10, 10), 8), (0, 30, -10), -4),
    (Arch((0, 0), (30, 30), 4, (-10, 10), 8), (30, 0, 10), 0),
]


def at(shape, *point):
    return float(shape.distance(*(np.array([c], np.float32) for c in point))[0])


def table_shapes():
    table = load_parameters()
    names = ("soft", "bones", "cavities", "ventricles", "brain")
    return [shape for name in names for row in table[name] for shape in both_sides(row)]


@pytest.mark.parametrize(("shape", "point", "expected"), DISTANCES)
def test_distance_is_the_one_worked_out(shape, point, expected):
    assert at(shape, *point) == pytest.approx(expected, abs=1e-3)


def test_no_shape_of_the_table_leaves_its_box():
    rng = np.random.default_rng(0)
    for shape in table_shapes():
        low, high = shape.box()
        points = rng.uniform(low - 15, high + 15, (4000, 3)).astype(np.float32)
        outside = ((points < low - 1e-3) | (points > high + 1e-3)).any(1)
        assert shape.distance(*points[outside].T).min() > -1e-3, shape


def test_turned_shape_fits_its_box_and_turns_back():
    inner = Ellipsoid((0, 60, -40), (20, 10, 5))
    shape = Turned(inner, (2, 20), np.deg2rad(12))
    low, high = shape.box()
    points = np.random.default_rng(1).uniform(low - 10, high + 10, (20_000, 3)).astype(np.float32)
    inside = shape.distance(*points.T) < 0
    assert inside.any()
    assert (points[inside] > low).all()
    assert (points[inside] < high).all()
    closed = Turned(inner, (2, 20), 0.0)
    np.testing.assert_allclose(closed.distance(*points.T), inner.distance(*points.T), atol=1e-4)


def test_opening_the_jaw_moves_the_chin_down_and_back():
    low, high = Turned(Ellipsoid((0, 65, -42), (0, 0, 0)), (2, 20), np.deg2rad(10)).box()
    x, y, z = (low + high) / 2
    # (63, -62) from the hinge, turned by -10 degrees: 63 cos + -62 sin = 51.28, -63 sin + -62 cos = -72.00
    assert (x, y, z) == pytest.approx((0, 2 + 51.28, 20 - 72.0), abs=0.01)


def test_absent_tooth_is_nowhere_and_present_ones_lie_where_their_centre_says():
    for index, present in enumerate(ROW.present):
        assert (at(ROW, *ROW.centre(index)) < 0) == present
    assert at(ROW, *ROW.centre(1)) == 9


def test_teeth_are_apart():
    between = (ROW.centre(2) + ROW.centre(3)) / 2
    between[:2] *= 30 / np.linalg.norm(between[:2])
    assert at(ROW, *between) > 0


def test_mirrored_shape_is_the_mirror_image():
    row = {"shape": "tube", "mirror": True, "points": [[10, 0, 0], [20, 5, -30]], "radii": [3, 6]}
    left, right = both_sides(row)
    x, y, z = np.random.default_rng(2).uniform(-40, 40, (3, 500)).astype(np.float32)
    np.testing.assert_allclose(left.distance(x, y, z), right.distance(-x, y, z), atol=1e-4)
    assert len(both_sides(row | {"mirror": False})) == 1


def test_unknown_shape_is_named():
    with pytest.raises(ValueError, match="unknown shape 'cone'"):
        make_shape({"shape": "cone"})


def test_smooth_union_rounds_only_near_the_joint():
    first, second = np.array([0.0, 5.0, -20.0, 3.0]), np.array([0.0, 5.0, 30.0, 13.0])
    # equal distances gain blend / 4; further apart than blend, the minimum stays as it is
    np.testing.assert_allclose(smooth_union(first, second, 8), [-2, 3, -20, 3])
