"""Readers in a real browser: keys, mouse, the viewer's pixels, stopping and coming back."""

import json

import numpy as np
import pytest

from common.reader_study.app import create_app
from common.reader_study.results import write_results
from common.reader_study.store import Store
from tests.common.web.browser import canvas_pixels, grey, red, tiles, wait_for_viewer

pytestmark = pytest.mark.browser
# the same functions, without a picture
NO_VIEWER = """export const createViewer = async () => ({
  load() {}, setWindow() {}, setMask() {}, scroll() {}, zoom() {}, goToMask() {}, onMove() {}, slice: () => [1, 1],
  place: () => [0, 0, 0], goTo() {},
});"""


@pytest.fixture
def served(study_file, serve_app):
    """Function (**settings) -> address and file of a study that is being served."""

    def serve(**settings):
        path = study_file(**settings)
        return serve_app(create_app(path)), path

    return serve


def begin(page, name):
    page.fill("input[name=name] >> nth=0", name)
    page.keyboard.press("Enter")
    page.wait_for_url("**/start")
    code = page.inner_text("code.big")
    page.click("a.main")
    return code


def answer_by_keys(page, number, keys):
    page.wait_for_url(f"**/volumes/{number}")
    page.wait_for_selector("#windows button")  # the page listens, though the volume may still be loading
    for key in [*keys, "Enter"]:
        page.keyboard.press(key)


def test_two_readers_answer_all_one_stops_and_resumes(served, open_page, tmp_path):
    """A sees through it all, by keys; B gives 5 by mouse, stops after three, and comes back in another browser.

    B's browsers run no scripts, which the answers do not need; A's start NiiVue three times, which takes seconds where
    there is no graphics card.
    """
    address, path = served()
    with Store(path) as store:
        truth = [item.source for item in store.items()]
    first = open_page(address)
    begin(first, "Dr <img src=x onerror=alert(1)>")
    for number, source in enumerate(truth, 1):
        if number == 3:
            first.route("**/web/viewer.js", lambda route: route.fulfill(body=NO_VIEWER, content_type="text/javascript"))
        answer_by_keys(first, number, "1" if source == "real" else "t")
    first.wait_for_url("**/review")
    first.locator("#finish:focus").wait_for()  # a polled script would be an eval, which the page forbids
    first.keyboard.press("Enter")
    first.wait_for_url("**/finished")

    second = open_page(address, java_script_enabled=False)
    code = begin(second, "B")
    answer_by_mouse(second, range(1, 4))
    second.click("text=Leave")
    second.context.close()
    third = open_page(address, java_script_enabled=False)
    third.fill("input[name=name] >> nth=1", "B")
    third.fill("input[name=code]", code)
    third.click("button >> text=Go on")
    third.wait_for_url("**/volumes/4")
    answer_by_mouse(third, range(4, 11))
    third.wait_for_url("**/review")
    third.click("#finish")
    third.wait_for_url("**/finished")

    write_results(path, tmp_path / "results")
    metrics = json.loads((tmp_path / "results" / "metrics.json").read_text())
    seeing, guessing = metrics["readers"].values()
    assert (seeing["auc"], seeing["accuracy"], seeing["correct"]) == (1, 1, 10)
    assert (guessing["auc"], guessing["decided"]) == (0.5, 0)
    page = open_page((tmp_path / "results" / "results.html").as_uri())
    assert page.evaluate("() => [...document.images].map((image) => image.naturalWidth > 100)") == [True, True]


def answer_by_mouse(page, numbers):
    for number in numbers:
        page.wait_for_url(f"**/volumes/{number}")
        page.locator("input[name=score]").nth(5).check()
        page.click("button.main")


def test_the_viewer_shows_three_planes_with_the_mask(served, open_page):
    address, _ = served()
    page = open_page(address)
    begin(page, "A")
    page.wait_for_url("**/volumes/1")
    wait_for_viewer(page)
    shown = canvas_pixels(page)
    for tile in tiles(shown):
        assert grey(tile) > 2000
    page.keyboard.press("m")
    plain = canvas_pixels(page)
    assert red(plain) == 0  # the cross is blue; label 1 is red
    for with_mask in tiles(shown):
        assert red(with_mask) > 300
    page.keyboard.press("m")
    np.testing.assert_allclose(canvas_pixels(page), shown, atol=0.02)


def test_keys_scroll_turn_planes_and_change_windows(served, open_page):
    address, _ = served()
    page = open_page(address)
    begin(page, "A")
    page.wait_for_url("**/volumes/1")
    wait_for_viewer(page)
    start = canvas_pixels(page)
    number = int(page.inner_text("#slice").split()[0])
    for key in ("ArrowUp", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    assert page.inner_text("#slice") == f"{number + 1} of 18"
    assert np.abs(canvas_pixels(page) - start).max() > 0.1
    page.keyboard.press("ArrowDown")
    page.locator("#canvas").hover(position={"x": 150, "y": 300})
    page.mouse.wheel(0, -100)
    page.locator("#slice").filter(has_not_text=f"{number} of 18").wait_for()
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#plane") == "coronal"
    before = grey(canvas_pixels(page))
    page.click("#windows >> text=bone")
    assert page.locator("#windows [aria-checked=true]").inner_text() == "bone"
    assert grey(canvas_pixels(page)) != before
    page.keyboard.press("w")
    assert page.locator("#windows [aria-checked=true]").inner_text() == "whole"
    page.fill("textarea", "")
    page.locator("textarea").press_sequentially("mw 3")  # letters, not keys, while a comment is written
    assert page.input_value("textarea") == "mw 3"
    assert page.locator("input[name=score]:checked").count() == 0


def test_thirds_with_real_or_fake(served, open_page):
    address, path = served(layout="thirds", answer="real_fake")
    page = open_page(address)
    begin(page, "A")
    answer_by_keys(page, 1, "f4")
    page.wait_for_url("**/volumes/2")
    wait_for_viewer(page)
    assert grey(canvas_pixels(page)) > 5000
    with Store(path) as store:
        assert [row["score"] for row in store.all_answers()] == [9]
