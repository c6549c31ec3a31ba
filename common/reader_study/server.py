"""Serving the study until it is stopped."""

import logging
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from waitress.server import create_server

from .app import create_app
from .guard import is_loopback
from .niivue import niivue_module

logger = logging.getLogger(__name__)


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
        ValueError: `host` is an IPv6 address.
        OSError: The port is taken, or the address is not this machine's.
    """
    niivue_module()  # a missing viewer stops here, not in front of the reader
    app = create_app(database, host=host, allowed_hosts=allowed_hosts)
    try:
        server = create_server(app, host=host, port=port, ident=None)
    except OSError as error:
        raise OSError(f"cannot listen on {host}:{port} ({error}): name another --port or --host") from error
    if not is_loopback(host):
        logger.warning("the study listens on %s: whoever is in this network can read it, unencrypted", host)
    logger.info("reader study at http://%s:%s (stop with Ctrl-C)", host, port)
    try:
        with _stopped_by_signals():
            server.run()
    finally:
        server.close()
        logger.info("the study has stopped; the same command goes on, `run results` evaluates")


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Let SIGTERM end the server as Ctrl-C does, and Ctrl-C also where a shell started us with it ignored (``… &``)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
