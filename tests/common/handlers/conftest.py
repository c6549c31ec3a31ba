"""What several handlers are tried on."""

import pytest
from ignite.engine import Engine

from tests.quick_pictures import draw_quickly


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch):
    """What is on a picture is tested with the reports."""
    draw_quickly(monkeypatch)


@pytest.fixture
def validate():
    """Function (handlers, scores, first epoch): evaluators that end with one score after another, an epoch each."""

    def run(handlers, scores, first=1):
        for epoch, score in enumerate(scores, first):
            engine = Engine(lambda *_: None)
            engine.state.metrics["dice"] = score
            for handler in handlers:
                handler.attach(engine)
            engine.run([0], max_epochs=epoch)

    return run
