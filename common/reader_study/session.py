"""The cookies of a reader."""

from werkzeug.wrappers import Response as BaseResponse


def set_session(response: BaseResponse, secret: str, mark: str) -> BaseResponse:
    """`response` with cookies that no script reads and no other site sends: the reader's, and the browser's `mark`.

    The mark outlives the session. It opens nothing, but who shows it tries codes on an account of their own: others
    who guess from the same address do not lock this browser out.
    """
    for name, value in (("reader", secret), ("browser", mark)):
        response.set_cookie(name, value, max_age=30 * 24 * 3600, httponly=True, samesite="Strict")
    return response
