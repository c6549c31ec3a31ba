"""Lines about wrong options: each says key, what was found, what is expected and the remedy."""

import re

import pytest

from common.options.declaration import Declaration, Option
from common.options.problems import find_problems

OPTIONS = [
    Option("batch_size", {"type": "integer", "minimum": 1}, unit="pairs"),
    Option("lr", {"type": "number", "exclusiveMinimum": 0}),
    Option("amp", {"enum": ["off", "bf16"]}),
    Option("fast", {"type": "boolean"}),
    Option("list", {"type": "string", "format": "file"}),
    Option("out", {"type": "string", "format": "folder"}),
    Option("device", {"type": "string", "format": "device"}),
    Option("files", {"type": "array", "items": {"type": "string", "format": "file"}}),
    Option("share", {"type": "number"}, nullable=True, read_with={"folds": None}),
    Option("most", {"type": "integer"}, nullable=True, read_with={"folds or share": None}),
    Option("gp", {"type": "number"}, read_with={"amp": ["bf16"]}),
    Option("folds", {"type": "array", "items": {"type": "integer"}}, nullable=True),
]
EXTRA = Option("policy", {"enum": ["cutout"]})
DECLARED = Declaration(
    "train", {option.name: option for option in OPTIONS}, {"more": {"policy": EXTRA}}, {"n": ["infer"]}
)
BASE = {
    "batch_size": 1,
    "lr": 0.1,
    "amp": "off",
    "fast": True,
    "list": "list.json",
    "out": "output",
    "share": None,
    "most": None,
    "device": "cpu",
    "files": [],
    "gp": 10,
    "folds": None,
    "net": {"_target_": "x"},
    "part": {"a": 1},
}
LINES = {
    # what was given, and the line
    "unknown": (
        {"batchsize": 2},
        "batchsize: found 2, but train.yaml has no key batchsize, did you mean batch_size\\?",
    ),
    "a part": (
        {"part": 7},
        "part: found 7, expected a mapping, as train.yaml has there; leave it out, or set parts of it, such as .*",
    ),
    "unlike any": (
        {"zzz": 2},
        "zzz: found 2, but train.yaml has no key zzz, and nothing reads it: leave it out, or see",
    ),
    "nested": ({"part::b": 2}, "part::b: found 2, but train.yaml has no key part::b, and nothing reads it"),
    "nested option": ({"part::lr": 2}, "part::lr: found 2, but train.yaml has no key part::lr, did you mean lr"),
    "of another config": ({"n": 2}, "n: found 2, but train.yaml has no key n, it is an option of infer.yaml"),
    "of an overlay": ({"policy": 2}, "policy: found 2, but train.yaml has no key policy, an option of more.yaml: name"),
    "range": ({"batch_size": 0}, "batch_size: found 0, expected integer ≥ 1, pairs; set another --batch_size"),
    "type": ({"batch_size": 1.0}, "batch_size: found 1.0, expected integer ≥ 1, pairs"),
    "YAML": ({"lr": "2e-4"}, "lr: found '2e-4', expected number > 0; it is a text, as YAML wants .*; write 0.0002"),
    "folder": ({"list": "/"}, "list: found a folder, /, expected a file; name another --list"),
    "file": ({"out": __file__}, "out: found a file, .*py, expected a folder; name another --out"),
    "quotes": ({"batch_size": "4"}, "batch_size: found '4', expected .*; write 4$"),
    "choice": ({"amp": "bf61"}, r"amp: found 'bf61', expected off or bf16; did you mean bf16\?"),
    "bare off": ({"amp": False}, 'amp: found False, expected off or bf16; .* write "off" in quotes'),
    "switch": (
        {"fast": "false"},
        "fast: found 'false', expected True or False; on the command line write --fast False,",
    ),
    "list": ({"folds": "0"}, r"folds: found '0', expected list of integers, or null; .*write 0"),
    "no list": ({"folds": 0}, r'folds: found 0, expected .*; on the command line write a list in quotes, .* "\[…\]"'),
    "null": ({"folds": "null"}, "folds: found 'null', expected .*; on the command line write --folds '\\$None'"),
    "None": ({"lr": None}, "lr: found None, which MONAI takes for nothing given; leave it out for the default"),
    "None for null": ({"folds": None}, "folds: found None, which .*; write --folds '\\$None'"),
    "literal": ({"lr": "$-1"}, "lr: found -1, expected number > 0"),
    "no effect of several": (
        {"most": 2},
        "most: found 2, expected only with folds or share, and there is none; set --folds or --share, or leave most",
    ),
    "no effect": ({"share": 0.5}, "share: found 0.5, expected only with folds, and there is none; set --folds"),
    "device": ({"device": "tpu"}, "device: found tpu, expected cuda, cuda:1 or cpu; set another --device"),
    "list of files": ({"files": ["/"]}, "files: found a folder, /, expected a file; name another --files"),
    "another": ({"gp": 5}, "gp: found 5, expected only with amp bf16, and it is off; set --amp, or leave gp out"),
    "reference": ({"lr": "@fast"}, "lr: found True, expected number > 0"),
}


def problems(given, *, content=None, base=BASE):
    content = {**BASE, "run": "$@net, @part::a", **(content or {})}
    for key, value in given.items():
        if key.startswith("part::"):
            content["part"] = {**content["part"], key.removeprefix("part::"): value}
        elif value is not None:
            content[key] = value
    return find_problems(DECLARED, content, base=base, typed=given)


@pytest.mark.parametrize("case", LINES)
def test_a_line(case):
    given, line = LINES[case]
    found = problems(given)
    assert len(found) == 1
    assert re.match(line, found[0])


def test_all_at_once():
    assert len(problems({"batchsize": 2, "lr": -1, "amp": "fp8", "part::b": 1})) == 4


@pytest.mark.parametrize(
    "value", ["$@batch_size * 2", "$len(@folds)", {"_target_": "x"}, "@net", "%more.yaml", object()]
)
def test_what_the_run_computes_is_not_looked_at(value):
    assert problems({"lr": value}) == []


def test_options_of_other_configs_may_stand_in_a_file():
    content = {**BASE, "run": "$@net, @part::a", "n": 2}
    assert find_problems(DECLARED, content, base=BASE, typed={}) == []


def test_a_key_whose_reader_was_replaced_is_still_right():
    assert problems({"net": "$None"}, content={"run": "$@part::a"}) == []
    assert problems({}, content={"run": "$1"}, base={}) != []


def test_an_overlays_option_is_checked_where_it_is_read():
    content = {**BASE, "run": "$@net, @part::a, @policy", "policy": "cutuot"}
    assert ["did you mean cutout?" in line for line in find_problems(DECLARED, content, base=BASE, typed={})] == [True]


def test_an_option_with_what_it_needs_and_the_default_are_right():
    assert problems({"share": 0.5}, content={"folds": [0]}) == []
    assert problems({"most": 2}, content={"folds": [0]}) == []
    assert problems({"gp": 5, "amp": "bf16"}) == problems({"gp": 10}) == []


def test_an_option_of_the_command_line_that_an_overlay_leaves_without_a_reader():
    base = {**BASE, "net": {"_target_": "x", "size": "@gp"}}
    (line,) = problems({"gp": 10}, base=base)
    assert line.startswith("gp: found 10, but with these overlays nothing reads it, expected options of what they put")
    assert problems({"gp": 10}, base=base, content={"net": base["net"]}) == []


@pytest.mark.parametrize("value", ["$dict(a=2)", "@net", "%other.yaml::part", {"a": 2}])
def test_a_part_may_be_replaced_by_a_part_or_an_expression(value):
    given = {"part": value}
    assert not find_problems(DECLARED, {**BASE, **given}, base=BASE, typed=given, read={"part", "net"})
