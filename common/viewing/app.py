"""The page of `run viewing`."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Flask, Response, abort, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, SecurityError, TooManyRequests

from ..data.flagged import Flags
from ..reason import reason_of
from ..reports.dark_figure import COLOURS
from ..web.access import require_code
from ..web.pages import equip
from .cases import Neighbour, ShownCase
from .volumes import ShownVolumes

logger = logging.getLogger(__name__)
_PARTS = ("image", "label")


def create_app(
    cases: Sequence[ShownCase],
    volumes: ShownVolumes,
    flags: Flags,
    *,
    code: str,
    labels: Mapping[str, str],
    windows: Mapping[str, Sequence[float]],
    title: str,
) -> Flask:
    """WSGI application that shows `cases` on this machine to whoever has the code.

    Args:
        cases: In the order of the list.
        volumes: Theirs.
        flags: That the page changes.
        code: Opens the page, see `require_code`.
        labels: Value of the shown masks → name.
        windows: Presets, name → HU; the first is shown at the start.
        title: Of the page.
    """
    app = Flask(__name__)
    app.config.update(CASES=cases, VOLUMES=volumes, FLAGS=flags)
    settings = {"labels": labels, "windows": windows, "colours": COLOURS}
    app.context_processor(lambda: {"title": title, "settings": settings, "scrolls": True})
    equip(app, host="127.0.0.1")
    require_code(app, code)
    app.register_error_handler(HTTPException, _problem)
    for rule, view, methods in _ROUTES:
        app.add_url_rule(rule, view_func=view, methods=methods)
    return app


def _problem(error: HTTPException) -> ResponseReturnValue:
    if isinstance(error, SecurityError):  # a host that is not ours has no pages
        return "This page is not served under this name.", 400
    later = {"Retry-After": str(error.retry_after)} if isinstance(error, TooManyRequests) else {}
    return Response(f"{error.description}\n", error.code or 500, later, mimetype="text/plain")


def page() -> str:
    """The list, and the volumes beside it."""
    return render_template("viewing.html", where=current_app.config["FLAGS"].path)


def cases() -> Response:
    """What is known of each case; numbers are places in the list."""
    shown: Sequence[ShownCase] = current_app.config["CASES"]
    flags: Flags = current_app.config["FLAGS"]
    places = {case.case_id: place for place, case in enumerate(shown) if case.side == "real"}
    return jsonify([_row(case, flags, places) for case in shown])


def _row(case: ShownCase, flags: Flags, places: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": case.case_id,
        "side": case.side,
        "centre": str(case.entry.get("centre", "")),
        "fold": case.entry.get("fold"),
        "mask": "label" in case.entry,
        "scores": case.scores,
        "neighbours": [_neighbour(each, places) for each in case.neighbours],
        "flaggable": case.origin is not None,
        "flagged": case.origin in flags,
    }


def _neighbour(neighbour: Neighbour, places: Mapping[str, int]) -> dict[str, Any]:
    copy = neighbour.threshold is not None and neighbour.distance < neighbour.threshold
    return {**neighbour._asdict(), "number": places.get(neighbour.case_id), "copy": copy}


def volume(number: int, part: str) -> Response:
    """NIfTI file of a case; no path comes from the address."""
    case = _case(number)
    if part not in _PARTS or part not in case.entry:
        abort(404, "no such volume")
    try:
        content = current_app.config["VOLUMES"].files(case)[part]
    except Exception as error:
        message = f"{case.case_id} cannot be shown: {reason_of(error)}"
        logger.warning(message)
        abort(422, message)
    return Response(content, mimetype="application/octet-stream")


def flag() -> Response:
    """Flag a pair, or take that back; the file is written before the answer goes out."""
    case = _case(request.form.get("number", -1, type=int))
    if case.origin is None:
        abort(409, f"{case.case_id} cannot be flagged: nothing tells how it was made")
    flags: Flags = current_app.config["FLAGS"]
    flags.set(case.origin, request.form.get("flagged") == "true")
    return jsonify({"flagged": case.origin in flags})


def _case(number: int) -> ShownCase:
    shown: Sequence[ShownCase] = current_app.config["CASES"]
    return shown[number] if 0 <= number < len(shown) else abort(404, "no such case")


_ROUTES = (
    ("/", page, ["GET"]),
    ("/cases.json", cases, ["GET"]),
    ("/volumes/<int:number>/<part>.nii", volume, ["GET"]),
    ("/flags", flag, ["POST"]),
)
