"""Serving the study until it is stopped."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ..web.server import serve
from .app import create_app


def serve_study(
    database: str | Path, *, host: str = "127.0.0.1", port: int = 8321, allowed_hosts: Sequence[str] = ()
) -> None:
    """Serve the study in `database` until Ctrl-C or SIGTERM; every answer is on disk by then.

    Args:
        database: SQLite file that `prepare_study` made.
        host: Address to listen on; anything but this machine's own lets the network in, unencrypted.
        port: To listen on.
        allowed_hosts: Names under which readers in the network reach this machine.

    Raises:
        FileNotFoundError: There is no study.
        ValueError: `host` is an IPv6 address, there is no such port, or `allowed_hosts` is not a list of names.
        OSError: The port is taken, or the address is not this machine's.
    """
    serve(
        partial(create_app, database, host=host, allowed_hosts=allowed_hosts),
        host=host,
        port=port,
        title="reader study",
        end="the study has stopped; the same command goes on, `run results` evaluates",
    )
