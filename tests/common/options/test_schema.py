"""What values a schema takes, and how it says so."""

import math
from pathlib import Path

import pytest

from common.options.schema import accepting, describe, listed

COUNT = {"type": "integer", "minimum": 1}
SIZE = {"type": "array", "items": COUNT, "minItems": 2, "maxItems": 2}
WINDOW = {"type": "array", "items": {"type": ["number", "null"]}, "minItems": 2, "maxItems": 2, "increasing": True}
RANGE = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2, "ordered": True}
POWERS = {"type": "array", "items": {"type": "integer", "minimum": 16, "powerOfTwo": True}}
# schema, what it takes, what it does not
CASES = {
    "integer": (COUNT, [1, 7], [0, -1, 1.0, 1.5, True, "1", None, [1]]),
    "number": ({"type": "number"}, [0, -1.5, 2], [math.nan, math.inf, "2e-4", False, None]),
    "boolean": ({"type": "boolean"}, [True, False], [0, 1, "false", None]),
    "open range": ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, [0.1, 1], [0, 1.1, -1]),
    "choice": ({"enum": ["off", "bf16"]}, ["off"], ["on", "OFF", False, ["off"]]),
    "list": (SIZE, [[1, 2], (1, 2)], [[1], [1, 2, 3], [0, 1], [1.0, 2], "12", 12]),
    "increasing": (WINDOW, [[-1, 2], [None, 2], [None, None]], [[2, -1], [1, 1]]),
    "ordered": (RANGE, [[1, 2], [1, 1], (0, 5)], [[2, 1], [1]]),
    "power of two": (POWERS, [[16, 128]], [[8], [24], [0], [-16], [32.0]]),
    "text": ({"type": "string", "minLength": 1}, ["x", Path("x/y")], ["", 5, None, ["x"]]),
    "either": ({"anyOf": [COUNT, {"enum": ["all"]}]}, [1, "all"], [0, "none"]),
    "component": ({"type": "component"}, [{"_target_": "x"}], [{}, "x", 1]),
    "step": ({"type": "integer", "multipleOf": 4}, [4, 8], [2]),
    "span": ({**WINDOW, "minSpan": 10}, [[0, 10], [-1024, 600], [None, 5]], [[-1, 1], [0, 1], [5, 1]]),
    "product": ({**SIZE, "maxProduct": 12}, [[3, 4], [12, 1]], [[4, 4], [13, 1], [2, "7"]]),
}


@pytest.mark.parametrize("case", CASES)
def test_values(case):
    schema, right, wrong = CASES[case]
    assert [value for value in right if not accepting(schema)(value)] == []
    assert [value for value in wrong if accepting(schema)(value)] == []


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (COUNT, "integer ≥ 1"),
        (SIZE, "2 integers ≥ 1"),
        (WINDOW, "2 numbers or `null`, increasing"),
        (RANGE, "2 numbers, low ≤ high"),
        ({"type": "array", "items": COUNT, "uniqueItems": True}, "list of integers ≥ 1, each once"),
        (POWERS, "list of integers ≥ 16, powers of two"),
        ({**WINDOW, "minSpan": 10}, "2 numbers or `null`, increasing, 10 apart"),
        ({**SIZE, "maxProduct": 12}, "2 integers ≥ 1, product ≤ 12"),
        ({"type": "integer", "minimum": 4, "multipleOf": 4}, "integer ≥ 4, multiple of 4"),
        ({"type": "number", "minimum": 0, "maximum": 1}, "number from 0 to 1"),
        ({"type": "number", "minimum": 0, "exclusiveMaximum": 1}, "number ≥ 0, < 1"),
        ({"type": "number", "exclusiveMinimum": 0}, "number > 0"),
        ({"enum": ["a", "b", False]}, "`a`, `b` or `false`"),
        ({"anyOf": [{"enum": ["a", "b"]}, COUNT]}, "`a`, `b` or integer ≥ 1"),
        ({"type": "string", "format": "folder"}, "folder"),
        ({"type": "array", "items": {"type": "string", "format": "file"}}, "list of files"),
        ({"type": "object"}, "mapping"),
    ],
)
def test_words(schema, words):
    assert describe(schema) == words


def test_listed():
    assert [listed(list(names)) for names in ("", "a", "ab", "abc")] == ["", "a", "a or b", "a, b or c"]
