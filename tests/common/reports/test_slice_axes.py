"""One slice and its labels in matplotlib's axes."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from common.reports.dark_figure import COLOURS, dark_figure
from common.reports.slice_axes import (
    axes_in_inches,
    fit_panel,
    label_colour,
    label_legend,
    outline,
    overlay_labels,
    panel_in_inches,
    show_slice,
)


@pytest.fixture
def axes():
    return dark_figure(2, 2).add_subplot()


def test_colours_come_again_when_they_run_out():
    assert [label_colour(value) for value in (1, 2, len(COLOURS) + 1)] == [COLOURS[0], COLOURS[1], COLOURS[0]]


def test_a_slice_lies_in_millimetres_and_in_its_window(axes):
    show_slice(axes, np.arange(6.0).reshape(2, 3), (20, 45), (0, 4))
    (image,) = axes.images
    assert tuple(image.get_extent()) == (0, 45, 0, 20)
    assert image.get_clim() == (0, 4)


def test_labels_are_one_picture_below_outlines_of_which_the_lowest_is_last(axes):
    labels = np.array([[0, 0, 0, 0], [0, 1, 3, 0], [0, 1, 3, 0], [0, 0, 0, 0]])
    overlay_labels(axes, labels, (4, 4))
    (areas,) = axes.images
    picture = np.asarray(areas.get_array())
    assert (picture[..., 3] > 0).tolist() == (labels > 0).tolist()
    assert {to_hex(colour) for colour in picture[labels == 3][:, :3]} == {COLOURS[2]}
    assert [to_hex(line.get_edgecolor()[0]) for line in axes.collections] == [COLOURS[2], COLOURS[0]]


def test_nothing_has_no_outline(axes):
    outline(axes, np.zeros((3, 3), bool), (3, 3), "red")
    assert not axes.collections


def test_a_small_picture_stands_in_the_middle_of_its_panel(axes):
    fit_panel(axes, (10, 20), (30, 40))
    assert (axes.get_xlim(), axes.get_ylim()) == ((-10, 30), (-10, 20))


def test_pictures_of_one_figure_lie_where_their_panels_are():
    """10 × 20 mm in the middle of 30 × 40 mm, of which one is a twentieth of an inch: 0.5 inches from each edge."""
    axes = axes_in_inches(dark_figure(4, 3))
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 4), (0, 3))
    at = panel_in_inches(axes, (1, 0.5), (10, 20), (30, 40), 0.05)
    labels = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    show_slice(axes, labels, (10, 20), (0, 1), at=at)
    overlay_labels(axes, labels, (10, 20), at=at)
    for artist in (*axes.images, *axes.collections):
        inches = artist.get_transform() - axes.transData
        np.testing.assert_allclose(inches.transform([(0, 0), (20, 10)]), [(1.5, 1), (2.5, 1.5)])
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 4), (0, 3))


def test_the_legend_numbers_the_labels(axes):
    label_legend(axes.figure, ["tumour", "lymph node"])
    assert [text.get_text() for text in axes.figure.legends[0].get_texts()] == ["1 tumour", "2 lymph node"]
