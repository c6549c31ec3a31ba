import matplotlib.image
import numpy as np
import pytest
import torch

from common.reports.segmentation_figures import SegmentedCase, plot_segmentations, worst_median_best

NAN = float("nan")
SIZE = (20, 24, 16)

# Dice by case, chosen cases
CHOICES = [
    ({"a": 0.9, "b": 0.1, "c": 0.5}, {"worst": "b", "median": "c", "best": "a"}),
    ({"a": 0.9, "b": 0.1, "c": 0.5, "d": 0.4}, {"worst": "b", "median": "d", "best": "a"}),
    ({"a": 0.9, "b": NAN, "c": 0.0, "d": None, "e": 0.3}, {"worst": "c", "median": "e", "best": "a"}),
    ({"b": 0.5, "a": 0.5, "c": 0.5}, {"worst": "a", "median": "b", "best": "c"}),
    ({"a": 0.2, "b": 0.1}, {"worst": "b", "best": "a"}),
    ({"a": 0.2}, {"worst": "a"}),
]

COLOURS = {"white": (255, 255, 255), "green": (61, 220, 132), "red": (255, 92, 92)}
TRUTH, PREDICTION = (slice(4, 10), slice(6, 12), slice(4, 10)), (slice(7, 13), slice(6, 12), slice(4, 10))


def mask_of(box):
    mask = np.zeros(SIZE, np.uint8)
    if box:
        mask[box] = 1
    return mask


def case_of(prediction=PREDICTION, truth=TRUTH, spacing=(1, 1, 1)):
    return SegmentedCase("case_1", np.zeros(SIZE), mask_of(prediction), mask_of(truth), spacing)


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Function cases -> the figure's panels (cases, planes), before they become pixels."""
    figures = []
    monkeypatch.setattr("common.reports.segmentation_figures.save_figure", lambda figure, _: figures.append(figure))

    def draw(*cases, **options):
        plot_segmentations(cases, path=tmp_path / "a.png", **options)
        return np.reshape(figures[-1].axes, (len(cases), 3))

    return draw


def filled(axes):
    """Where the overlay is white, green and red, (rows, columns) each."""
    overlay = axes.images[1].get_array()
    shown = np.round(overlay[..., :3] * 255).astype(int)
    return {name: (shown == colour).all(-1) & (overlay[..., 3] > 0) for name, colour in COLOURS.items()}


@pytest.mark.parametrize(("dice", "expected"), CHOICES)
def test_worked_choices(dice, expected):
    assert list(worst_median_best(dice).items()) == list(expected.items())


@pytest.mark.parametrize("dice", [{}, {"a": NAN, "b": None}])
def test_nothing_to_choose_from(dice):
    with pytest.raises(ValueError, match=f"none of {len(dice)} cases has a Dice"):
        worst_median_best(dice)


def test_areas_have_their_colours_and_sides(drawn):
    """3 voxels found of 6 along x; the volume's low x is the patient's left, at the right of the axial slice."""
    axial, coronal, sagittal = drawn(case_of())[0]
    areas = filled(axial)
    columns = {name: np.flatnonzero(area.any(0)).tolist() for name, area in areas.items()}
    assert columns == {"red": [7, 8, 9], "green": [10, 11, 12], "white": [13, 14, 15]}
    assert [int(area.sum()) for area in areas.values()] == [18, 18, 18]
    assert [int(area.sum()) for area in filled(coronal).values()] == [18, 18, 18]
    assert sum(area.sum() for area in filled(sagittal).values()) == 36


def test_outlines_are_the_truth_and_the_excess(drawn):
    """Two contours in the axial slice: red around what is too much, white around all of the truth, in mm."""
    axial = drawn(case_of(spacing=(2, 1, 1)))[0, 0]
    red, white = axial.collections
    assert [tuple(np.round(line.get_edgecolor()[0][:3] * 255)) for line in (red, white)] == [COLOURS["red"], (255,) * 3]
    spans = [np.ptp(line.get_paths()[0].vertices, axis=0).tolist() for line in (red, white)]
    assert spans == [[2 * 3, 6], [2 * 6, 6]]


def test_slices_go_through_the_truth_even_where_the_prediction_is_elsewhere(drawn):
    far = (slice(0, 20), slice(0, 20), slice(12, 16))
    missed, found = drawn(case_of(prediction=far))[0, 0], drawn(case_of(prediction=far, truth=None))[0, 0]
    assert filled(missed)["white"].sum() == 36 and not filled(missed)["red"].any()
    assert filled(found)["red"].sum() == 400


@pytest.mark.parametrize(
    ("options", "caption"),
    [
        ({}, "case_1\nDice 0.500\ntruth 0.2 ml, predicted 0.2 ml"),
        ({"spacing": (2, 2, 5)}, "case_1\nDice 0.500\ntruth 4.3 ml, predicted 4.3 ml"),
        ({"prediction": None, "spacing": (2, 2, 5)}, "case_1\nDice 0.000\ntruth 4.3 ml, predicted 0.0 ml"),
        ({"truth": None}, "case_1\nno ground truth\ntruth 0.0 ml, predicted 0.2 ml"),
        ({"truth": None, "prediction": None}, "case_1\nno ground truth\ntruth 0.0 ml, predicted 0.0 ml"),
    ],
)
def test_captions(drawn, options, caption):
    assert drawn(case_of(**options))[0, 0].get_ylabel() == caption


def test_air_around_the_body_is_cut_off_but_no_mask(drawn):
    case = case_of()
    image = np.full(SIZE, -1000.0)
    image[3:9, 6:12, 4:10] = 0
    axial = drawn(case._replace(image=image))[0, 0]
    assert axial.images[0].get_array().shape == (6, 10)
    nothing = drawn(case_of(truth=None, prediction=None)._replace(image=np.full(SIZE, -1000.0)))[0, 0]
    assert nothing.images[0].get_array().shape == (24, 20)


def test_one_scale_in_all_panels(drawn):
    small, large = case_of(), case_of(spacing=(2, 2, 3))
    panels = drawn(small, large)
    figure = panels[0, 0].figure
    boxes = np.array([axes.get_position().size * figure.get_size_inches() for axes in panels.ravel()])
    limits = np.array([[np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())] for axes in panels.ravel()])
    assert np.ptp(boxes / limits) < 1e-6
    assert limits.tolist() == [[40, 24], [40, 24], [48, 24], [40, 48], [40, 48], [48, 48]]


def test_multi_class_masks_and_tensors_with_a_channel(drawn):
    plain = case_of()
    tensors = [torch.as_tensor(volume)[None] for volume in (plain.image, 2 * plain.prediction, plain.truth)]
    first, second = drawn(plain)[0, 1], drawn(SegmentedCase("case_1", *tensors))[0, 1]
    np.testing.assert_array_equal(first.images[1].get_array(), second.images[1].get_array())
    assert first.get_ylabel() == second.get_ylabel()


def test_picture_is_written_whole_and_the_same_each_time(tmp_path):
    paths = [plot_segmentations([case_of()] * 2, path=tmp_path / name, width=10) for name in ("a.png", "b.png")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert matplotlib.image.imread(paths[0]).shape[1] == 1200
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ([], "no case to show"),
        ([case_of()._replace(truth=np.zeros((2, 2, 2)))], r"case_1: prediction \(20, 24, 16\) and truth \(2, 2, 2\)"),
        ([case_of()._replace(image=np.zeros((2, 2, 2)))], r"case_1: image \(2, 2, 2\) and masks \(20, 24, 16\)"),
        ([SegmentedCase("flat", *[np.zeros((4, 4))] * 3)], "flat: expected one volume"),
    ],
)
def test_bad_cases_are_refused(tmp_path, cases, message):
    with pytest.raises(ValueError, match=message):
        plot_segmentations(cases, path=tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
