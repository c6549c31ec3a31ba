"""A code that opens a page: whoever has it may see what is served, and nobody else on this machine."""

import hmac
import math
import secrets

from flask import Flask, abort, current_app, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import SecurityError, TooManyRequests

from .attempts import Attempts

_OPEN = ("enter", "web.static")  # endpoints that ask for no code


def new_code() -> str:
    """A code that cannot be guessed."""
    return secrets.token_urlsafe(16)


def require_code(app: Flask, code: str) -> None:
    """Ask for `code` once a browser: ``/enter?code=…`` opens all pages of `app`, which has a template ``enter.html``.

    Wrong codes are slowed down, see `Attempts`. The cookie is read by no script and sent by no other site; another
    server on this host has one of another name.
    """
    app.config.update(CODE=code, CODE_COOKIE=f"page_{secrets.token_hex(4)}", CODES=Attempts())
    app.add_url_rule("/enter", view_func=enter, methods=["GET", "POST"])
    app.before_request(_ask)


def _ask() -> ResponseReturnValue | None:
    if isinstance(request.routing_exception, SecurityError):  # another host: no page, that of the code neither
        raise request.routing_exception
    given = request.cookies.get(current_app.config["CODE_COOKIE"], "")
    if request.endpoint in _OPEN or hmac.compare_digest(given.encode(), current_app.config["CODE"].encode()):
        return None
    return (render_template("enter.html"), 403) if request.path == "/" else abort(403, "enter the code first")


def enter() -> ResponseReturnValue:
    """Take the code of the address, or of the form."""
    given = request.values.get("code", "")
    if not given:
        return render_template("enter.html")
    codes: Attempts = current_app.config["CODES"]
    client = request.remote_addr or ""
    if wait := codes.wait(client):
        seconds = math.ceil(wait)
        raise TooManyRequests(f"too many tries from this address: wait {seconds} s", retry_after=seconds)
    if not hmac.compare_digest(given.strip().encode(), current_app.config["CODE"].encode()):
        abort(403, "that is not the code of this run: it stands in its log")
    codes.succeed(client)
    response = redirect("/", 303)
    response.set_cookie(current_app.config["CODE_COOKIE"], current_app.config["CODE"], httponly=True, samesite="Strict")
    return response
