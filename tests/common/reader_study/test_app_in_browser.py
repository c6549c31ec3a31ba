"""Readers in a real browser: keys, mouse, the viewer's pixels, stopping and coming back."""

import io
import json
import shutil
import threading

import matplotlib.image
import numpy as np
import pytest
from waitress.server import create_server

from common.reader_study.app import create_app
from common.reader_study.results import write_results
from common.reader_study.store import Store

pytestmark = pytest.mark.browser
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",  # WebGL 2 without a graphics card
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# the same functions, without a picture
NO_VIEWER = """export const createViewer = async () => ({
  setWindow() {}, setMask() {}, scroll() {}, zoom() {}, goToMask() {}, onMove() {}, slice: () => [1, 1],
});"""


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with playwright.sync_playwright() as run:
        chromium = run.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def served(study_file):
    """Function (**settings) -> address and file of a study that is being served."""
    servers = []

    def serve(**settings):
        path = study_file(**settings)
        server = create_server(create_app(path), host="127.0.0.1", port=0)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.effective_port}", path

    yield serve
    for server, thread in servers:
        server.trigger.pull_trigger(server.close)  # in the server's own thread, which ends with it
        thread.join(5)
        server.task_dispatcher.shutdown()
        assert not thread.is_alive()


@pytest.fixture
def open_page(browser):
    """Function (address) -> page of a browser of its own; what leaves the address or breaks the policy is an error."""
    contexts, problems = [], []

    def watch(page, address):
        page.on(
            "request",
            lambda request: request.url.startswith((address, "data:", "blob:")) or problems.append(request.url),
        )
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda message: message.type == "error" and problems.append(message.text))

    def open_new(address, **options):
        contexts.append(browser.new_context(viewport={"width": 1000, "height": 650}, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(60000)
        watch(page, address)
        page.goto(address)
        return page

    yield open_new
    for context in contexts:
        context.close()
    assert problems == []


def begin(page, name):
    page.fill("input[name=name] >> nth=0", name)
    page.keyboard.press("Enter")
    page.wait_for_url("**/start")
    code = page.inner_text("code.big")
    page.click("a.main")
    return code


def wait_for_viewer(page):
    page.wait_for_selector("#viewer:not([data-state=loading])")
    assert page.get_attribute("#viewer", "data-state") == "ready", page.inner_text("#message")


def canvas_pixels(page):
    """RGB of the viewer in 0 … 1, (rows, columns, 3)."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return matplotlib.image.imread(io.BytesIO(page.locator("#canvas").screenshot()))[..., :3]


def tiles(pixels):
    """Axial, coronal and sagittal tile, by their shares of the canvas."""
    height, width = pixels.shape[:2]
    return [
        pixels[:, : int(0.57 * width)],
        pixels[: height // 2, int(0.59 * width) :],
        pixels[height // 2 :, int(0.59 * width) :],
    ]


def grey(tile):
    """Voxels of tissue: neither black air nor coloured mask or cross."""
    return int(((np.ptp(tile, axis=-1) < 0.05) & (tile[..., 0] > 0.3)).sum())


def red(tile):
    return int(((tile[..., 0] - tile[..., 2]) > 0.15).sum())


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
            first.route(
                "**/static/viewer.js", lambda route: route.fulfill(body=NO_VIEWER, content_type="text/javascript")
            )
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
