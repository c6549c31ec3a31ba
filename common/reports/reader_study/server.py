"""Serving the study until it is stopped."""

import logging
from collections.abc import Sequence
from pathlib import Path

from waitress.server import create_server

from .app import create_app
from .guard import is_loopback
from .niivue import niivue_module

logger = logging.getLogger(__name__)


def serve_study(
    database: str | Path, *, host: str = "127.0.0.1", port: int = 8321, allowed_hosts: Sequence[str] = ()
) -> None:
    """Serve the study in `database` until Ctrl-C; every answer is on disk by then.

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
        server.run()
    finally:
        server.close()
        logger.info("the study has stopped; the same command goes on, `run results` evaluates")
