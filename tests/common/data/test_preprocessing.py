"""What is recorded of a training's preprocessing, and what is said where another one is used."""

import pytest

from common.data.preprocessing import ASSUMED, complete, makes_crops, preprocessing_notes

NECK = {"A": [[0.2, 0.8], [0.2, 0.8], [0, 0.5]]}


def test_what_is_not_said_is_as_in_the_thesis():
    assert complete(None) == ASSUMED
    assert complete({"spacing": [3, 3, 3]}) == {**ASSUMED, "spacing": [3, 3, 3]}
    with pytest.raises(ValueError, match=r"keys \['spacings'\], expected some of \['centre_bounds', 'crop', 'fit'"):
        complete({"spacings": 3})
    with pytest.raises(ValueError, match="fit zoom and zoom null"):
        complete({"fit": "zoom"})


def test_a_zoom_takes_the_whole_volume_on_its_own_voxels():
    found = complete({"fit": "zoom", "zoom": 0.5, "spacing": [1, 1, 1], "centre_bounds": NECK})
    assert found == {**ASSUMED, "fit": "zoom", "zoom": 0.5, "spacing": None, "centre_bounds": {}, "crop": "none"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, True),
        ({"crop": "none"}, False),
        ({"crop": "none", "centre_bounds": NECK}, True),
        ({"fit": "zoom", "zoom": 0.5}, False),
    ],
)
def test_which_volumes_are_crops(given, expected):
    assert makes_crops(complete(given)) is expected
    assert makes_crops(None) is False


def test_nothing_is_said_where_both_are_equal():
    recorded = complete({"spacing": [3.0, 3.0, 3.0], "centre_bounds": NECK})
    assert preprocessing_notes(recorded, recorded) == []
    assert preprocessing_notes({**recorded, "spacing": (3, 3, 3)}, recorded) == []  # as a command line brings it


def test_what_differs_is_named_with_both_values():
    recorded = complete({"spacing": [3.0, 3.0, 3.0]})
    (note,) = preprocessing_notes({**recorded, "spacing": [1.5, 1.5, 1.5], "crop": "none"}, recorded)
    assert note == (
        "real cases are not prepared as the generator's training did: spacing [1.5, 1.5, 1.5] instead of "
        "[3.0, 3.0, 3.0], crop none instead of body"
    )


def test_an_old_file_is_taken_with_a_note():
    (note,) = preprocessing_notes(ASSUMED, None)
    assert "nothing tells how the generator's training prepared its volumes" in note
    assert "spacing [1.5, 1.5, 1.5]" in note and "crop body" in note
