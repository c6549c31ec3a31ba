"""The pages of the reader study."""

import hmac
import math
from collections.abc import Sequence
from pathlib import Path

from flask import Flask, Response, abort, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, SecurityError, TooManyRequests

from ..reports.dark_figure import COLOURS
from ..web.attempts import Attempts
from ..web.pages import equip
from .answers import COMMENT_LENGTH, CONFIDENCES, HIGHEST, NAME_LENGTH, Answer, parse_answer, parse_name
from .session import set_session
from .store import FinishedError, Item, NameTakenError, Reader, Store

_LIMITS = {"name_length": NAME_LENGTH, "comment_length": COMMENT_LENGTH}


def create_app(database: str | Path, *, host: str = "127.0.0.1", allowed_hosts: Sequence[str] = ()) -> Flask:
    """WSGI application of the study in `database`.

    Args:
        database: SQLite file that `prepare_study` made.
        host: That it is served on; requests for another are refused.
        allowed_hosts: Further names of this machine, where it serves a network.

    Raises:
        FileNotFoundError: There is no study.
    """
    with Store(database) as store:
        settings = store.settings()
    app = Flask(__name__)
    app.config.update(DATABASE=str(database), STUDY=settings)
    app.config.update(CODES=Attempts(), NEW_READERS=Attempts(burst=30, pause=10, total_burst=300))
    equip(app, host=host, allowed_hosts=allowed_hosts)
    app.teardown_appcontext(_close_store)
    app.register_error_handler(HTTPException, _problem)
    app.context_processor(lambda: {"reader": current_reader(), "study": settings, "limits": _LIMITS})
    for rule, view, methods in _ROUTES:
        app.add_url_rule(rule, view_func=view, methods=methods)
    return app


def open_store() -> Store:
    """The request's own connection."""
    if "store" not in g:
        g.store = Store(current_app.config["DATABASE"])
    return g.store


def _close_store(_: BaseException | None) -> None:
    if store := g.pop("store", None):
        store.close()


def current_reader() -> Reader | None:
    """Reader of the request's cookie."""
    if "reader" not in g:
        secret = request.cookies.get("reader", "")
        g.reader = open_store().reader_of(secret) if secret else None
    return g.reader


def _require_reader() -> Reader:
    return current_reader() or abort(403, "enter your name first")


def _try(attempts: str, client: str) -> Attempts:
    """Attempts of that name, which have taken note of one; it is refused where there were too many."""
    counted: Attempts = current_app.config[attempts]
    if wait := counted.wait(client):
        seconds = math.ceil(wait)
        raise TooManyRequests(f"too many tries from this address: wait {seconds} s", retry_after=seconds)
    return counted


def _problem(error: HTTPException) -> ResponseReturnValue:
    if isinstance(error, SecurityError):  # a host that is not ours has no pages to link to
        return "This study is not served under this name; --allowed_hosts adds names.", 400
    later = {"Retry-After": str(error.retry_after)} if isinstance(error, TooManyRequests) else {}
    return render_template("problem.html", error=error), error.code or 500, later


def welcome() -> ResponseReturnValue:
    """Ask who reads, or lead a known reader on."""
    reader = current_reader()
    return _lead_on(reader) if reader else render_template("welcome.html")


def add_reader() -> ResponseReturnValue:
    """Start as a new reader."""
    _try("NEW_READERS", request.remote_addr or "")
    try:
        reader, secret = open_store().add_reader(parse_name(request.form.get("name", "")))
    except NameTakenError as error:
        abort(409, f"{error}: take another name, or go on as this reader with the code that was shown at the start")
    except ValueError as error:
        abort(400, str(error))
    return set_session(redirect(url_for("start"), 303), secret, open_store().mark_of(reader.name))


def resume() -> ResponseReturnValue:
    """Go on as a reader who was here before."""
    name = " ".join(request.form.get("name", "").split())
    mark = open_store().mark_of(name)
    known = mark and hmac.compare_digest(mark.encode(), request.cookies.get("browser", "").encode())
    client = mark if known else request.remote_addr or ""
    attempts = _try("CODES", client)
    secret = open_store().resume(name, request.form.get("code", ""))
    if secret is None:
        abort(403, "no reader has this name and code")
    attempts.succeed(client)
    return set_session(redirect(url_for("welcome"), 303), secret, mark)


def leave() -> ResponseReturnValue:
    """End the session on this browser; the answers stay."""
    response = redirect(url_for("welcome"), 303)
    response.delete_cookie("reader", httponly=True, samesite="Strict")
    return response


def start() -> ResponseReturnValue:
    """Show the reader's code and what to do."""
    _require_reader()
    return render_template("start.html", count=len(open_store().items()))


def show_volume(number: int) -> ResponseReturnValue:
    """One volume, with the form for its answer."""
    reader = _require_reader()
    if reader.finished:
        return redirect(url_for("finished"), 303)
    answers = open_store().answers_of(reader)
    return _volume_page(number, answers, answers.get(number))


def _volume_page(number: int, answers: dict[int, Answer], answer: Answer | None, problem: str = "") -> str:
    items = open_store().items()
    item = _find_item(items, number)
    return render_template(
        "volume.html",
        number=number,
        count=len(items),
        answered=len(answers),
        scores=range(HIGHEST + 1),
        confidences=CONFIDENCES,
        files={
            part: url_for("volume_file", token=token) for part, token in (("image", item.image), ("mask", item.mask))
        },
        answer=answer,
        problem=problem,
        colours=COLOURS,
    )


def answer_volume(number: int) -> ResponseReturnValue:
    """Write the answer and lead on."""
    reader, store = _require_reader(), open_store()
    _find_item(store.items(), number)
    try:
        answer = parse_answer(request.form, current_app.config["STUDY"]["answer"])
    except ValueError as error:
        answers = store.answers_of(reader)
        return _volume_page(number, answers, answers.get(number), str(error)), 400
    try:
        store.save_answer(reader, number, answer)
    except FinishedError as error:
        abort(409, str(error))
    return _lead_on(reader, after=number)


def review() -> ResponseReturnValue:
    """The reader's own answers before they finish."""
    reader = _require_reader()
    if reader.finished:
        return redirect(url_for("finished"), 303)
    answers = open_store().answers_of(reader)
    return render_template("review.html", items=open_store().items(), answers=answers)


def finish() -> ResponseReturnValue:
    """Close the reader's answers."""
    try:
        open_store().finish(_require_reader())
    except FinishedError as error:
        abort(409, str(error))
    return redirect(url_for("finished"), 303)


def finished() -> ResponseReturnValue:
    """Thank the reader."""
    return render_template("finished.html") if _require_reader().finished else redirect(url_for("review"), 303)


def volume_file(token: str) -> Response:
    """NIfTI file under a token; it lies in the database, so that no path is opened."""
    _require_reader()
    content = open_store().volume(token) or abort(404, "no such volume")
    return Response(content, mimetype="application/octet-stream")


def _find_item(items: Sequence[Item], number: int) -> Item:
    return next((item for item in items if item.number == number), None) or abort(404, "no such volume")


def _lead_on(reader: Reader, *, after: int = 0) -> ResponseReturnValue:
    """To the next volume without an answer, from `after` on and around; to the review where there is none."""
    if reader.finished:
        return redirect(url_for("finished"), 303)
    answered = open_store().answers_of(reader)
    left = [item.number for item in open_store().items() if item.number not in answered]
    if not left:
        return redirect(url_for("review"), 303)
    return redirect(url_for("show_volume", number=next((n for n in left if n > after), left[0])), 303)


_ROUTES = (
    ("/", welcome, ["GET"]),
    ("/readers", add_reader, ["POST"]),
    ("/resume", resume, ["POST"]),
    ("/leave", leave, ["POST"]),
    ("/start", start, ["GET"]),
    ("/volumes/<int:number>", show_volume, ["GET"]),
    ("/volumes/<int:number>", answer_volume, ["POST"]),
    ("/review", review, ["GET"]),
    ("/finish", finish, ["POST"]),
    ("/finished", finished, ["GET"]),
    ("/files/<token>.nii", volume_file, ["GET"]),
)
