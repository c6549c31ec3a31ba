"""What all pages share: the guard, the viewer, its controls and the look."""

from collections.abc import Sequence

from flask import Blueprint, Flask, Response, request

from .guard import guard
from .niivue import niivue_module


def equip(app: Flask, *, host: str, allowed_hosts: Sequence[str] = ()) -> None:
    """Guard `app`, and give it ``/web/viewer.js``, ``controls.js``, ``page.css``, ``/niivue.js`` and ``view.html``.

    Args:
        app: That is served.
        host, allowed_hosts: See `guard`.
    """
    app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}  # windows in the order of the settings
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    guard(app, host=host, allowed_hosts=allowed_hosts)
    shared = Blueprint("web", __name__, static_folder="static", static_url_path="/web", template_folder="templates")
    shared.add_url_rule("/niivue.js", view_func=niivue)
    app.register_blueprint(shared)


def niivue() -> Response:
    """The viewer's module."""
    response = Response(niivue_module(), mimetype="text/javascript", headers={"Cache-Control": "no-cache"})
    response.add_etag()
    response.make_conditional(request)  # in place: not sent again where the browser has it
    return response
