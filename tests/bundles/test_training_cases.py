"""Every training of a generator, and of the organ network, refuses test cases: the config says that it trains."""

from pathlib import Path

import pytest

from common.files import parse_yaml

BUNDLES = Path(__file__).parents[2] / "bundles"
TRAININGS = sorted(path for path in BUNDLES.glob("*/configs/train.yaml") if "segresnet" not in str(path))


def components(content, target):
    """Components of `target`, wherever they stand."""
    if isinstance(content, dict):
        if content.get("_target_") == target:
            yield content
        content = list(content.values())
    for item in content if isinstance(content, list) else ():
        yield from components(item, target)


@pytest.mark.parametrize("path", TRAININGS, ids=lambda path: path.parts[-3])
def test_a_training_says_that_its_cases_train(path):
    found = list(components(parse_yaml(path.read_text()), "common.data.cases.resolve_cases"))
    assert [case.get("training") for case in found if case["folds"] == "@folds"] == [True]
    assert all(case["folds"] in ("@folds", "testing") for case in found)
