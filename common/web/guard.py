"""What keeps other pages, other hosts and other readers out."""

from collections.abc import Sequence

from flask import Flask, Response, abort, request

LARGEST_FORM = 16 * 1024  # bytes; a comment of 500 characters has 6 kB at most, percent-encoded
_LOOPBACK = ("localhost", "127.0.0.1")
_HEADERS = {
    # NiiVue keeps its font in data: URLs; nothing else may come from anywhere but here
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; connect-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # no-referrer would make browsers hide the origin of our own forms
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    return host == "localhost" or host.startswith("127.")


def trusted_hosts(host: str, allowed: Sequence[str] = ()) -> list[str]:
    """Names that a request may ask for: `host`, its synonyms on this machine, and `allowed`.

    Raises:
        ValueError: `host` is an IPv6 address, whose names cannot be checked, or `allowed` is not a list of names.
    """
    if isinstance(allowed, str) or not all(isinstance(name, str) and name.strip(" .") for name in allowed):
        # a text would allow each of its letters
        raise ValueError(
            f"allowed_hosts: found {allowed!r}, expected a list of names; write --allowed_hosts \"['ct-room']\""
        )
    if ":" in host:
        raise ValueError(f"host is {host}, expected a name or an IPv4 address such as 127.0.0.1")
    return list(dict.fromkeys([host, *(_LOOPBACK if is_loopback(host) else ()), *allowed]))


def guard(app: Flask, *, host: str, allowed_hosts: Sequence[str] = ()) -> None:
    """Refuse foreign hosts (DNS rebinding), forms of other pages and large ones, and set the security headers.

    Args:
        app: That is served.
        host: That it is served on.
        allowed_hosts: Further names of this machine.
    """
    app.config.update(TRUSTED_HOSTS=trusted_hosts(host, allowed_hosts), MAX_CONTENT_LENGTH=LARGEST_FORM)
    app.before_request(_refuse_foreign_forms)
    app.after_request(_add_headers)


def _refuse_foreign_forms() -> None:
    """Browsers send the origin with each form; only a page of this very host and port may have sent it."""
    if request.method not in ("GET", "HEAD", "OPTIONS") and request.headers.get("Origin") != request.host_url[:-1]:
        abort(403, "this form was not sent by a page of this server")


def _add_headers(response: Response) -> Response:
    response.headers.update(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    return response
