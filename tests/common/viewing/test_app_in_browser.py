"""Somebody looks at pairs in a real browser."""

import numpy as np
import pytest

from common.data.flagged import Flags, flagged_pairs
from common.viewing.app import create_app
from common.viewing.volumes import ShownVolumes
from tests.common.viewing.conftest import CHECKPOINT, LABELS
from tests.common.web.browser import canvas_pixels, grey, red, wait_for_viewer

pytestmark = pytest.mark.browser


def ids(page):
    return page.locator("#list .id").all_inner_texts()


def test_looking_comparing_sorting_and_flagging(cases, generated, serve_app, open_page, tmp_path):
    flags = Flags(tmp_path / "flagged.json")
    windows = {"soft tissue": [-160, 240], "bone": [-500, 1300]}
    app = create_app(cases, ShownVolumes(generated), flags, code="right", labels=LABELS, windows=windows, title="a set")
    page = open_page(f"{serve_app(app)}/enter?code=right")
    assert "code" not in page.url
    wait_for_viewer(page)
    shown = canvas_pixels(page, "#canvas-0")
    assert red(shown) + int((shown[..., 2] - shown[..., 0] > 0.15).sum()) > 300
    page.keyboard.press("m")
    plain = canvas_pixels(page, "#canvas-0")
    assert red(plain) == 0
    before = page.inner_text("#slice")
    page.keyboard.press("ArrowUp")
    assert page.inner_text("#slice") != before
    page.keyboard.press("w")
    assert grey(canvas_pixels(page, "#canvas-0")) != grey(plain)

    assert ids(page) == ["g0", "g1", "r0", "r1", "r2"]
    page.select_option("#sort", "distance/volumes")
    assert ids(page) == ["g1", "r2", "g0", "r0", "r1"]  # 1.5, 4, 9.5, and two without
    page.click("#turn")
    assert ids(page) == ["g0", "r2", "g1", "r0", "r1"]
    page.select_option("#side", "copies")
    assert ids(page) == ["g1"]
    page.keyboard.press("n")
    wait_for_viewer(page)
    page.keyboard.press("b")
    wait_for_viewer(page)
    assert page.inner_text("#name-1") == "r0"
    assert page.inner_text("#note-1") == "distance 1.5 in volumes (a copy: below 2)"
    beside = canvas_pixels(page, "#canvas-1")
    assert grey(beside) > 500
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert np.abs(canvas_pixels(page, "#canvas-1") - beside).max() > 0.1  # both move together

    page.keyboard.press("x")
    page.locator("#flag[aria-pressed=true]").wait_for()
    assert flagged_pairs(flags.path) == {(CHECKPOINT, 11)}
    page.select_option("#side", "flagged")
    assert ids(page) == ["g1"]
    page.select_option("#side", "all")
    page.fill("#find", "r1")
    page.locator("#find").press("m")  # a letter, not a key, while somebody types
    assert ids(page) == []
    page.fill("#find", "r1")
    page.click("#list button")
    wait_for_viewer(page)
    assert page.locator("#flag").is_disabled()
    assert page.locator("figure:visible").count() == 1
