"""A page behind a code."""

import pytest
from flask import render_template_string

from common.web import access
from common.web.access import new_code, require_code


@pytest.fixture
def closed(app, monkeypatch):
    """The application behind the code ``right``."""
    monkeypatch.setattr(access, "render_template", lambda name: render_template_string("Code?"))
    require_code(app, "right")
    return app


def test_the_code_opens_all_pages_and_leaves_the_address(closed):
    client = closed.test_client()
    reply = client.get("/enter?code=right")
    assert (reply.status_code, reply.headers["Location"]) == (303, "/")
    cookie = reply.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert client.get("/").data == b"a page"


@pytest.mark.parametrize("path", ["/", "/niivue.js", "/none", "/resume"])
def test_nothing_is_served_without_it(closed, path):
    client = closed.test_client()
    assert client.get(path).status_code == 403
    client.set_cookie(closed.config["CODE_COOKIE"], "wrong")
    reply = client.post(path, headers={"Origin": "http://localhost"})
    assert reply.status_code == 403
    assert b"taken" not in reply.data


def test_wrong_codes_are_slowed_down(closed):
    client = closed.test_client()
    codes = [client.get(f"/enter?code={number}").status_code for number in range(7)]
    assert codes == [403] * 5 + [429] * 2
    assert client.get("/enter?code=right").status_code == 429


def test_codes_are_long_and_never_the_same():
    codes = {new_code() for _ in range(50)}
    assert len(codes) == 50
    assert min(map(len, codes)) >= 22
