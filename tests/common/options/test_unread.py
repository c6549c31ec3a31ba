"""Which keys of a config have no effect."""

import pytest

from common.options.unread import close_names, unread_keys

# config, ids in it that nothing reads
CASES = {
    "referred to": ({"a": 1, "run": "@a"}, []),
    "in an expression, in a list": ({"a": 1, "run": ["$print(@a + 1)"]}, []),
    "misspelt": ({"a": 1, "aa": 2, "run": "$@a"}, ["aa"]),
    "by itself alone": ({"a": {"_target_": "x", "y": "@a::z"}, "run": "x"}, ["a"]),
    "by a part": ({"a": {"b": 1, "c": 2}, "run": "@a::b"}, ["a::c"]),
    "by a part of a part": ({"a": {"b": {"c": 1}}, "run": "@a::b::c"}, []),
    "as a whole": ({"a": {"b": 1, "c": {"d": 2}}, "run": "$dict(**@a)"}, []),
    "arguments of a component": ({"a": {"_target_": "x", "y": {"z": 1}}, "run": "@a"}, []),
    "of a name that another begins with": ({"a": 1, "ab": 2, "run": "@ab"}, ["a"]),
    "among siblings": ({"a": {"b": 1, "c": "@a::b"}, "run": "@a::c"}, []),
    "MONAI's own": (
        {"imports": ["$import x"], "initialize": [], "finalize": [], "_meta_": {}, "tracking_uri": "x"},
        [],
    ),
    "MONAI's properties": ({"train": {"inferer": 1, "x": 1}}, ["train::x"]),
    "a mail address": ({"a": 1, "run": "who@a"}, ["a"]),
}


@pytest.mark.parametrize("case", CASES)
def test_unread(case):
    content, unread = CASES[case]
    assert unread_keys(content) == unread


def test_what_is_read_from_outside():
    assert unread_keys({"a": {"b": 1}, "c": 1}, read=["a"]) == ["c"]


def test_close_names():
    assert close_names("max_step", ["max_steps", "min_size", "seed"]) == ["max_steps"]
    assert close_names("zzz", ["max_steps"]) == []
