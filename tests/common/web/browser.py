"""A real browser, for the tests of pages: fixtures that `tests/common/conftest.py` hands on, and what is seen there."""

import io
import shutil
import threading

import matplotlib.image
import numpy as np
import pytest
from waitress.server import create_server

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
def serve_app():
    """Function (application) -> address that it is being served at."""
    servers = []

    def serve(app):
        server = create_server(app, host="127.0.0.1", port=0)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.effective_port}"

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
        watch(page, address.partition("/enter?")[0])
        page.goto(address)
        return page

    yield open_new
    for context in contexts:
        context.close()
    assert problems == []


def wait_for_viewer(page):
    page.wait_for_selector("#viewer:not([data-state=loading])")
    assert page.get_attribute("#viewer", "data-state") == "ready", page.inner_text("#message")


def canvas_pixels(page, canvas="#canvas"):
    """RGB of the viewer in 0 … 1, (rows, columns, 3)."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return matplotlib.image.imread(io.BytesIO(page.locator(canvas).screenshot()))[..., :3]


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
