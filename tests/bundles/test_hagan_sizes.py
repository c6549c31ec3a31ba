"""hagan_128 and hagan_256 are one bundle at two sizes."""

import re
from itertools import zip_longest
from pathlib import Path

import pytest

BUNDLES = Path(__file__).parents[2] / "bundles"
SIZES = ("hagan_128", "hagan_256")
CONFIGS = sorted(path.name for path in (BUNDLES / SIZES[1] / "configs").glob("*.yaml"))


@pytest.mark.parametrize("name", CONFIGS)
def test_the_two_sizes_differ_in_numbers_only(name):
    def shape(bundle):
        text = (BUNDLES / bundle / "configs" / name).read_text().replace(bundle, "BUNDLE")
        return [re.sub(r"[\d.]+", "N", re.sub(r" *#.*", "", line)) for line in text.splitlines()]

    differing = [pair for pair in zip_longest(*map(shape, SIZES)) if pair[0] != pair[1]]
    assert differing == []


def test_the_demo_and_the_search_are_all_that_one_size_has_alone():
    alone = {"demo.yaml", "phantom_crop.yaml", "search.yaml", "study.yaml"}  # the search takes any bundle's configs
    assert {path.name for path in (BUNDLES / SIZES[0] / "configs").glob("*.yaml")} == {*CONFIGS, *alone}
