"""Serving the study until it is stopped."""

import logging
import resource
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer

from .app import LARGEST_FORM, create_app
from .guard import is_loopback
from .niivue import niivue_module

logger = logging.getLogger(__name__)
REQUEST_SECONDS = 10  # for a whole request; a form has a few hundred bytes


class StudyServer(TcpWSGIServer):
    """Server that neither idle, nor slow, nor large requests of strangers keep from its readers.

    A connection without a byte for ten seconds is closed, and so is one whose request takes longer; waitress has no
    limit for the latter. Where connections come near their limit, those of the client that has most of them go first.
    Requests beyond the size of a form are refused at their header.
    """

    def __init__(self, application: Any, *, host: str, port: int) -> None:
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        super().__init__(
            application,
            host=host,
            port=port,
            ipv6=False,
            ident=None,
            threads=8,
            connection_limit=min(1000, files // 2),
            channel_timeout=REQUEST_SECONDS,
            cleanup_interval=1,
            max_request_header_size=LARGEST_FORM,
            max_request_body_size=LARGEST_FORM,
            asyncore_use_poll=True,  # select knows 1024 files
        )
        self._begun: dict[Any, float] = {}  # requests that are not complete

    def maintenance(self, now: float) -> None:
        """Close what has waited too long, every second."""
        super().maintenance(now)  # type: ignore[arg-type]  # waitress passes time.time(), its stubs say int
        channels = cast("dict[int, HTTPChannel]", self.active_channels)  # its stubs say that this is one channel
        idle = [channel for channel in channels.values() if not channel.requests]
        waiting = [channel for channel in idle if channel.request is not None]
        self._begun = {channel.request: self._begun.get(channel.request, now) for channel in waiting}
        for channel in waiting:
            channel.will_close |= now - self._begun[channel.request] > REQUEST_SECONDS
        excess = len(channels) - self.adj.connection_limit // 2
        if excess > 0:
            held = Counter(channel.addr[0] for channel in idle)
            idle.sort(key=lambda channel: (-held[channel.addr[0]], channel.last_activity))
            for channel in idle[:excess]:
                channel.will_close = True


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
    if not (isinstance(port, int) and 0 <= port <= 65535):  # beyond that the system would count on from 0
        raise ValueError(f"port: found {port!r}, expected a whole number from 0 to 65535; set --port, such as 8321")
    niivue_module()  # a missing viewer stops here, not in front of the reader
    app = create_app(database, host=host, allowed_hosts=allowed_hosts)
    try:
        server = StudyServer(app, host=host, port=port)
    except (OSError, ValueError) as error:  # waitress raises the latter for a host that it cannot find
        raise OSError(f"cannot listen on {host}:{port} ({error}): name another --port or --host") from error
    if not is_loopback(host):
        logger.warning("the study listens on %s: whoever is in this network can read it, unencrypted", host)
    logger.info("reader study at http://%s:%s (stop with Ctrl-C)", host, server.getsockname()[1])
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
