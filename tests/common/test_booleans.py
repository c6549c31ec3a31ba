"""Texts where a switch belongs."""

import re
from pathlib import Path

import pytest
import yaml

from common.booleans import require_booleans

CONFIGS = sorted(Path(__file__).parents[2].glob("bundles/*/configs/*.yaml"))
SWITCHED = [path for path in CONFIGS if any(isinstance(v, bool) for v in yaml.safe_load(path.read_text()).values())]


def test_booleans_and_none_pass():
    require_booleans(spectral_norm=True, allow_leakage=False, declared=None)


@pytest.mark.parametrize(("value", "meant"), [("false", "False"), ("no", "False"), (0, "False"), ("true", "True")])
def test_others_are_refused_with_what_to_write(value, meant):
    with pytest.raises(ValueError, match=rf"allow_leakage: found {value!r}, .* write --allow_leakage {meant},"):
        require_booleans(spectral_norm=True, allow_leakage=value)


@pytest.mark.parametrize("path", SWITCHED, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_every_switch_of_a_workflow_is_checked(path):
    text = path.read_text()
    content = yaml.safe_load(text)
    if "run" not in content:  # an overlay: the config below checks what it sets
        below = [yaml.safe_load(other.read_text()) for other in path.parent.glob("*.yaml") if other != path]
        missing = {name for name, value in content.items() if isinstance(value, bool)}
        assert not missing - {name for other in below if "run" in other for name in other}
        return
    checked = set(re.findall(r"(\w+): \"@\1\"", "".join(re.findall(r"require_booleans, ([^}]*)}", text))))
    assert checked >= {name for name, value in content.items() if isinstance(value, bool)}
