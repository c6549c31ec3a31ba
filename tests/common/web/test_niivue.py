import pytest

from common.web.niivue import extract_module, niivue_module


def test_niivue_comes_from_the_installed_wheel():
    module = niivue_module()
    assert len(module) > 1_000_000
    assert "export{" in module[-2000:]
    for name in ("Niivue", "SLICE_TYPE"):  # what viewer.js imports
        assert name in module[-2000:]


@pytest.mark.parametrize("quote", ['"', "'", "`"])
def test_the_module_is_found_by_what_it_exports(quote):
    other, wanted = "%20" * 50000, "x" * 100000 + "%3Bexport%7BA%20as%20Niivue%7D%3B"
    widget = f"var a={quote}{other}{quote},b={quote}{wanted}{quote};export{{a as default}}"
    assert extract_module(widget).endswith(";export{A as Niivue};")


def test_a_wheel_without_the_module_says_which_to_take():
    with pytest.raises(RuntimeError, match="pip install ipyniivue=="):
        extract_module("export{a as default}")
