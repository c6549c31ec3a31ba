"""Names and patterns of structures, and the values that they become."""

import pytest

from common.data.dicom.rois import is_rois, label_names, values_of

ROIS = {"GTVp.*": 1, "GTV (primary)": 1, "GTVn.*": 2, "LN": 2}


@pytest.mark.parametrize(
    "name,values",
    [
        ("GTVp", [1]),
        ("gtvP_1", [1]),
        (" GTVn left ", [2]),
        ("GTV (Primary)", [1]),
        ("ln", [2]),
        ("LN2", []),
        ("old GTVp", []),
        ("", []),
    ],
)
def test_a_pattern_must_match_the_whole_name(name, values):
    assert values_of(name, ROIS) == values


def test_a_name_itself_goes_before_patterns_and_two_patterns_are_told():
    assert values_of("GTVp", {".*": 2, "GTVp": 1}) == [1]
    assert values_of("GTVp", {"GTV.*": 2, ".*p": 1}) == [2, 1]
    assert values_of("GTVp", {"GTVp": 1, "gtvP ": 2}) == [1, 2]


def test_labels_are_named_by_the_patterns():
    assert label_names(ROIS) == {"0": "background", "1": "GTVp.* or GTV (primary)", "2": "GTVn.* or LN"}


@pytest.mark.parametrize("wrong", [{}, {"a": 0}, {"a": True}, {"a": "1"}, {"(": 1}, {" ": 1}, {1: 1}, ["a"], None])
def test_what_is_no_mapping_of_patterns_to_values_is_told(wrong):
    assert is_rois(ROIS) and not is_rois(wrong)
