"""Texts where a switch belongs."""

import pytest

from common.booleans import require_booleans


def test_booleans_and_none_pass():
    require_booleans(spectral_norm=True, allow_leakage=False, declared=None)


@pytest.mark.parametrize(("value", "meant"), [("false", "False"), ("no", "False"), (0, "False"), ("true", "True")])
def test_others_are_refused_with_what_to_write(value, meant):
    with pytest.raises(ValueError, match=rf"allow_leakage: found {value!r}, .* write --allow_leakage {meant},"):
        require_booleans(spectral_norm=True, allow_leakage=value)
