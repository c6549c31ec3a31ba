"""The smallest application that is guarded."""

import pytest
from flask import Flask

from common.web.pages import equip


@pytest.fixture
def app():
    """A page at ``/``, and a form at ``/resume``."""
    app = Flask(__name__)
    equip(app, host="127.0.0.1")
    app.add_url_rule("/", view_func=lambda: "a page", endpoint="page")
    app.add_url_rule("/resume", view_func=lambda: "taken", endpoint="form", methods=["POST"])
    return app
