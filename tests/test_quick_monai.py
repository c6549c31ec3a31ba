"""The tests' loader of configs gives what MONAI's does."""

from pathlib import Path

import pytest
import yaml
from monai.utils.misc import CheckKeyDuplicatesYamlLoader

from tests.quick_monai import QuickLoader

CONFIGS = Path(__file__).parents[1] / "bundles"


@pytest.mark.parametrize("name", ["hagan_128/configs/train", "evaluation/configs/evaluate"])
def test_a_config_is_read_as_by_monai(name):
    text = (CONFIGS / f"{name}.yaml").read_text()
    assert yaml.load(text, QuickLoader) == yaml.load(text, CheckKeyDuplicatesYamlLoader)


def test_a_key_that_is_there_twice_is_warned_of():
    with pytest.warns(UserWarning, match="Duplicate key: `a`"):
        assert yaml.load("{b: 1, a: 2, a: 3}", QuickLoader) == {"b": 1, "a": 3}
