"""What a set says of itself, and each way in which it can say it wrongly."""

import json

import pytest

from common.data.provenance import read_provenance, write_provenance
from tests.common.data.pair_files import PROVENANCE

# change of a good provenance, message
WRONG = [
    ({"training": None}, "training is None, expected an object with case_ids"),
    ({"training": ["a"]}, r"training is \['a'\], expected an object with case_ids"),
    ({"training": {}}, "training is {}, expected an object with case_ids"),
    ({"training": {"case_ids": "a1"}}, "has training.case_ids 'a1', expected a list of case ids"),
    ({"training": {"case_ids": None}}, "has training.case_ids None, expected a list of case ids"),
    ({"training": {"case_ids": 7}}, "has training.case_ids 7, expected a list"),
    ({"training": {"case_ids": {"a": 1}}}, "has training.case_ids {'a': 1}, expected a list"),
    ({"training": {"case_ids": ["a", None]}}, "has among training.case_ids None, expected text or a number"),
    ({"training": {"case_ids": [True]}}, "has among training.case_ids True, expected text"),
    ({"training": {"case_ids": [["a"]]}}, r"has among training.case_ids \['a'\], expected text"),
    ({"training": {"case_ids": [float("nan")]}}, "has among training.case_ids nan, expected text"),
    (
        {"training": {"case_ids": [], "generator_case_ids": None}},
        "has training.generator_case_ids None, expected a list",
    ),
    ({"hu_window": None}, "hu_window is None, expected two numbers"),
    ({"hu_window": [600, -1024]}, r"hu_window is \[600, -1024\], expected two numbers, the lower first"),
    ({"hu_window": ["-1024", "600"]}, "hu_window is .*, expected two numbers"),
    ({"hu_window": [-1024, float("inf")]}, "hu_window is .*inf.*, expected two numbers"),
    ({"spacing": [0, 1, 1]}, r"spacing is \[0, 1, 1\], expected three sizes in mm"),
    ({"spacing": 1.5}, "spacing is 1.5, expected three sizes"),
    ({"bundle": "hagan_128"}, "bundle is 'hagan_128', expected an object"),
    ({"cases": {"a": 1}}, "cases is {'a': 1}, expected a list of objects"),
    ({"cases": ["a"]}, "cases has 'a', expected an object with a case_id"),
    ({"preprocessing": {"crops": "body"}}, r"preprocessing has the keys \['crops'\]"),
    ({"preprocessing": "body"}, "preprocessing is 'body', expected an object"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_what_the_guards_cannot_read_is_named_with_what_to_do(change, message, tmp_path):
    (tmp_path / "provenance.json").write_text(json.dumps(PROVENANCE | change))
    with pytest.raises(ValueError, match=message) as error:
        read_provenance(tmp_path)
    text = str(error.value)
    assert str(tmp_path / "provenance.json") in text
    assert "generate the set again" in text or "write a name in quotes" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"null", r"holds None, expected an object with \['bundle'"),
        (b"[]", r"holds \[\], expected an object"),
        (b"", "is no JSON"),
        (b"{", "is no JSON"),
        (b'{"bundle": "\xe9"}', "is not a text in UTF-8 .*, expected JSON in UTF-8"),
        (b"{}", r"lacks \['bundle', 'checkpoint'"),
    ],
)
def test_a_file_that_is_something_else_is_named(content, message, tmp_path):
    (tmp_path / "provenance.json").write_bytes(content)
    with pytest.raises(ValueError, match=f"provenance.json {message}.*: .*generate the set again"):
        read_provenance(tmp_path)


def test_ids_that_are_numbers_are_those_of_the_lists(tmp_path):
    write_provenance(tmp_path, PROVENANCE | {"training": {"case_ids": [7, 8.0, " a "], "generator_case_ids": [9]}})
    training = read_provenance(tmp_path)["training"]
    assert training == {"case_ids": ["7", "8", "a"], "generator_case_ids": ["9"]}


def test_what_is_not_known_may_be_null(tmp_path):
    unknown = dict.fromkeys(("bundle", "checkpoint", "seed", "cases", "spacing", "postprocessing"))
    write_provenance(tmp_path, PROVENANCE | unknown)
    assert read_provenance(tmp_path)["spacing"] is None
