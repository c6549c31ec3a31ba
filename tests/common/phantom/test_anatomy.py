from dataclasses import replace

import numpy as np
import pytest

from common.phantom.anatomy import draw_anatomy
from common.phantom.canvas import Grid
from common.phantom.generate import load_parameters
from common.phantom.jaw import filling_centres
from common.phantom.patient import draw_patient

GRID = Grid((112, 112, 120), (2.0, 2.0, 2.0), (-111.0, -121.0, -141.0))
TISSUES = [  # name, x y z in mm, least and greatest HU of its surroundings' median
    ("brain", (25, -10, 70), 20, 50),
    ("lateral ventricle", (14, -15, 89), -5, 25),
    ("vault", (0, -98, 66), 250, 1500),
    ("petrous bone", (34, -8, 22), 900, 2200),
    ("maxillary sinus", (31, 44, 16), -1000, -900),
    ("vitreous", (31, 64, 42), 0, 30),
    ("tongue", (0, 45, -18), 30, 80),
    ("oropharynx", (0, 11, -20), -1000, -900),
    ("trachea", (0, 10, -105), -1000, -900),
    ("vertebral body", (0, -11, -47), 150, 1300),
    ("spinal cord", (0, -26, -47), 15, 55),
    ("masseter", (56, 22, -10), 30, 80),
    ("semispinalis", (15, -60, -40), 30, 80),
    ("parotid", (53, -8, -8), -45, 35),
    ("thyroid", (18, 10, -98), 80, 140),
    ("chin", (0, 62, -44), 150, 1400),
    ("apex of the lung", (50, -14, -137), -950, -700),
    ("air", (0, 95, -100), -1000, -1000),
    ("couch side", (0, -118, 0), -1000, -1000),
]


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


@pytest.mark.parametrize(("name", "point", "low", "high"), TISSUES, ids=[row[0] for row in TISSUES])
def test_tissue_has_its_hu_where_anatomy_puts_it(canvas, name, point, low, high):
    i, j, k = (np.argmin(np.abs(axis - c)) for axis, c in zip(canvas.axes, point, strict=True))
    assert low <= np.median(canvas.hu[i - 1 : i + 2, j - 1 : j + 2, k - 1 : k + 2]) <= high


def test_mean_patient_is_symmetric_but_for_its_grain(canvas):
    mirrored = canvas.hu[::-1]
    difference = np.abs(canvas.hu - mirrored)
    assert np.median(difference[canvas.depth < 0]) < 25
    np.testing.assert_allclose(canvas.depth, canvas.depth[::-1], atol=1e-3)


def test_body_is_one_piece_that_reaches_the_lower_border(canvas):
    inside = canvas.depth < 0
    assert inside[:, :, 0].mean() > inside[:, :, 60].mean() > 0.1
    assert 150 <= 2 * inside[:, :, 100].any(1).sum() <= 165  # mm, breadth of a mean head
    assert 180 <= 2 * inside[:, :, 100].any(0).sum() <= 205  # and its length
    assert canvas.hu[~inside & (canvas.depth > 4)].max() <= -990


def test_every_intensity_is_one_of_a_body(canvas):
    assert canvas.hu.min() == -1000
    assert 1500 < canvas.hu.max() < 3071


def test_jaw_opening_lowers_the_teeth_but_not_the_skull(parameters):
    images = []
    for angle in (0.0, 11.0):
        patient = mean_patient(parameters)
        patient.traits.jaw = angle
        images.append(draw_anatomy(GRID, patient, parameters).hu)
    lowest = [(image[52:60, 82:, 20:60] > 600).any((0, 1)).argmax() for image in images]  # bone of the chin
    assert lowest[0] - lowest[1] >= 3  # slices of 2 mm
    np.testing.assert_array_equal(images[0][:, :, 90:], images[1][:, :, 90:])


def test_fillings_lie_in_teeth(parameters):
    patient = draw_patient(np.random.default_rng(4), parameters)
    patient.traits.fillings = 5.0
    patient.traits.asymmetry = 0.0
    canvas = draw_anatomy(GRID, patient, parameters)
    centres = filling_centres(patient, parameters)
    assert len(centres) == 5
    for centre in centres:
        where = canvas.box(centre - 2, centre + 2)
        assert canvas.hu[where].max() > 1200


def test_patients_differ_in_every_trait(parameters):
    first, second = (draw_patient(np.random.default_rng(seed), parameters) for seed in (1, 2))
    for name, (low, high) in parameters["patient"].items():
        a, b = getattr(first.traits, name), getattr(second.traits, name)
        assert a != b
        assert low <= min(a, b) <= max(a, b) <= high
