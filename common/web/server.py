"""Serving pages until they are stopped."""

import logging
import resource
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer

from .guard import LARGEST_FORM, is_loopback
from .niivue import niivue_module

logger = logging.getLogger(__name__)
REQUEST_SECONDS = 10  # for a whole request; a form has a few hundred bytes


class PageServer(TcpWSGIServer):
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


def serve(
    create: Callable[[], Flask], *, host: str = "127.0.0.1", port: int, title: str, path: str = "/", end: str
) -> None:
    """Serve an application until Ctrl-C or SIGTERM.

    Args:
        create: Makes it, once the viewer is known to be there.
        host: Address to listen on; anything but this machine's own lets the network in, unencrypted.
        port: To listen on; 0 takes a free one.
        title: Of what is served, as the log names it.
        path: That the log names behind the address.
        end: What the log says at the end.

    Raises:
        ValueError: There is no such port.
        OSError: The port is taken, or the address is not this machine's.
    """
    if not (isinstance(port, int) and 0 <= port <= 65535):  # beyond that the system would count on from 0
        raise ValueError(f"port: found {port!r}, expected a whole number from 0 to 65535; set --port, such as 8321")
    niivue_module()  # a missing viewer stops here, not in front of the reader
    app = create()
    try:
        server = PageServer(app, host=host, port=port)
    except (OSError, ValueError) as error:  # waitress raises the latter for a host that it cannot find
        raise OSError(f"cannot listen on {host}:{port} ({error}): name another --port or --host") from error
    if not is_loopback(host):
        logger.warning("%s listens on %s: whoever is in this network can read it, unencrypted", title, host)
    logger.info("%s at http://%s:%s%s (stop with Ctrl-C)", title, host, server.getsockname()[1], path)
    try:
        with _stopped_by_signals():
            server.run()
    finally:
        server.close()
        logger.info(end)


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
